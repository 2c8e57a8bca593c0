//! Panics of the code under test are findings, told once in the report. A sweep over a sink that panics must
//! not print a backtrace for each of ten thousand histories.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// Where the last quiet panic of this thread was: only the hook is told.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic of the code under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panic {
    pub(crate) message: String,
    /// File, line and column.
    pub(crate) place: Option<String>,
}

/// As the end of a sentence: with its place, where there is one.
impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message)?;
        self.place.iter().try_for_each(|place| write!(f, "\nat {place}"))
    }
}

/// Runs a stranger's code. Its panic is an event of the history, and prints nothing.
pub(crate) fn guarded<T>(strangers: impl FnOnce() -> T) -> Result<T, Panic> {
    install();
    let _loud_again = Restore(QUIET.replace(true));
    guarded_within(strangers)
}

/// The same, for whoever is guarded himself.
#[inline]
pub(crate) fn guarded_within<T>(strangers: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(strangers)).map_err(caught)
}

#[cold]
fn caught(thrown: Box<dyn Any + Send>) -> Panic {
    let text = thrown.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| thrown.downcast_ref::<String>().cloned());
    // What was thrown is a stranger's value too, and may panic when it is dropped.
    std::mem::forget(thrown);
    Panic { message: text.unwrap_or_else(|| "a panic without a message".to_owned()), place: PLACE.take() }
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| match QUIET.get() {
            true => {
                PLACE.replace(info.location().map(ToString::to_string));
            }
            false => loud(info),
        }));
    });
}

/// On every way out.
struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        QUIET.set(self.0);
    }
}
