//! How values are written down as bytes.

use postcard::Result;
use postcard::ser_flavors::Flavor;

/// Writes as `F` does, but numbers of one byte by themselves: postcard hands over one number at a time, nearly all are
/// so short, and a byte is not worth a call of `memcpy`.
pub(crate) struct Pen<F>(pub(crate) F);

impl<F: Flavor> Flavor for Pen<F> {
    type Output = F::Output;

    #[inline]
    fn try_push(&mut self, byte: u8) -> Result<()> {
        self.0.try_push(byte)
    }

    #[inline]
    fn try_extend(&mut self, bytes: &[u8]) -> Result<()> {
        match bytes {
            [byte] => self.0.try_push(*byte),
            _ => self.0.try_extend(bytes),
        }
    }

    fn finalize(self) -> Result<F::Output> {
        self.0.finalize()
    }
}
