//! How much is read: what comes from a repository is hostile until read.

/// The bounds of one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a source.
    pub bytes: usize,
    /// Documents of a source.
    pub documents: usize,
    /// Values of a source, those that aliases repeat included.
    pub values: usize,
    /// Bytes of strings of a source, those that aliases repeat included.
    pub text: usize,
    /// Mappings and lists within each other.
    pub depth: usize,
    /// Errors that are reported of a source; reading ends with the last.
    pub errors: usize,
}

impl Default for Limits {
    /// Generous for what people write (the largest bundles of CRDs are below 10 MB), and a bound on memory: a value
    /// costs about 70 bytes.
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            documents: 20_000,
            values: 2_000_000,
            text: 64 << 20,
            // JSON parsers, ours and others', stop at 128.
            depth: 100,
            errors: 50,
        }
    }
}
