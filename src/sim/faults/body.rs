//! Bodies that come slowly, or break off.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::StreamExt;

use crate::clock::Clock;

/// The same body in pieces, with a pause before each.
pub(crate) fn slow(body: Body, piece: usize, pause: Duration, clock: Clock) -> Body {
    let pieces = body.into_data_stream().flat_map(move |chunk| {
        let pieces = match chunk {
            Ok(chunk) => split(chunk, piece.max(1)).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        futures::stream::iter(pieces)
    });
    let paused = pieces.then(move |piece| {
        let pause = clock.sleep(pause);
        async move {
            pause.await;
            piece
        }
    });
    Body::from_stream(paused)
}

fn split(mut bytes: Bytes, piece: usize) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while bytes.len() > piece {
        pieces.push(bytes.split_to(piece));
    }
    pieces.push(bytes);
    pieces
}

/// The first bytes of a body, then a broken connection.
pub(crate) fn truncated(body: Body, after: usize) -> Body {
    let state = (body.into_data_stream(), Some(after));
    let cut = futures::stream::unfold(state, |(mut chunks, left)| async move {
        let left = left?;
        let broken = || Some((Err(io::Error::other("the body was cut")), (Body::empty().into_data_stream(), None)));
        if left == 0 {
            return broken();
        }
        match chunks.next().await {
            Some(Ok(mut chunk)) => {
                chunk.truncate(left);
                let left = left.saturating_sub(chunk.len());
                Some((Ok(chunk), (chunks, Some(left))))
            }
            Some(Err(error)) => Some((Err(io::Error::other(error)), (chunks, None))),
            // Shorter than that: it breaks off at its end.
            None => broken(),
        }
    });
    Body::from_stream(cut)
}
