//! Standard output, which whoever reads it may close at any time: `twophase digest | head`.

use std::io::{self, BufWriter, Write};

/// Takes everything; once nobody reads any longer, in silence.
pub(crate) struct Out {
    inner: BufWriter<Box<dyn Write>>,
    gone: bool,
}

impl Out {
    pub(crate) fn stdout() -> Self {
        Out::to(io::stdout())
    }

    pub(crate) fn to(whom: impl Write + 'static) -> Self {
        Out { inner: BufWriter::new(Box::new(whom)), gone: false }
    }

    /// Whether nobody reads any longer, so that a long command may end.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    fn unless_gone<T>(&mut self, result: io::Result<T>, otherwise: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(otherwise)
            }
            result => result,
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Ok(bytes.len());
        }
        let result = self.inner.write(bytes);
        self.unless_gone(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gone {
            return Ok(());
        }
        let result = self.inner.flush();
        self.unless_gone(result, ())
    }
}
