//! Connections that can be cut from this side, whatever is on its way.

use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::sim::api::Connection;

/// How long to wait where the system has no more connections to give.
const PAUSE: Duration = Duration::from_millis(50);

/// Hands out connections that are cut together by one token.
pub(super) struct Gate {
    pub(super) listener: TcpListener,
    pub(super) connections: CancellationToken,
    pub(super) clock: Clock,
}

impl Drop for Gate {
    /// Closing it is not enough to stop listening: a program that is being started holds a copy of it for a moment.
    fn drop(&mut self) {
        // Where it fails, listening ends with the last copy.
        let _ = SockRef::from(&self.listener).shutdown(Shutdown::Read);
    }
}

impl Listener for Gate {
    type Io = Cuttable;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Cuttable, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Events are small and should not wait for one another.
                    let _ = stream.set_nodelay(true);
                    return (Cuttable::new(stream, Connection::of(&self.connections)), address);
                }
                Err(error) => {
                    tracing::warn!(%error, "the simulator cannot accept a connection");
                    self.clock.sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that fails as soon as it is cut.
pub(super) struct Cuttable {
    stream: TcpStream,
    connection: Connection,
    cutting: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Cuttable {
    fn new(stream: TcpStream, connection: Connection) -> Self {
        let watched = connection.clone();
        Self { stream, connection, cutting: Box::pin(async move { watched.cutting().await }) }
    }

    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.connection.is_cut() || self.cutting.as_mut().poll(context).is_ready() {
            // Polled again after it is ready it would panic.
            self.cutting = Box::pin(std::future::pending());
            return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the connection was cut"));
        }
        Ok(())
    }
}

impl AsyncRead for Cuttable {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Cuttable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl Connected<IncomingStream<'_, Gate>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Gate>) -> Self {
        stream.io().connection.clone()
    }
}
