use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};

/// A bearer token that nobody can guess: 128 bits from the system.
pub(super) fn random_token() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut token, byte| {
        let _ = write!(token, "{byte:02x}");
        token
    }))
}
