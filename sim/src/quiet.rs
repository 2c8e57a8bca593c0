//! Panics of the code under test are findings, told once in the report. A sweep over a sink that panics must
//! not print a backtrace for each of ten thousand histories.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs code under test; panics on this thread print nothing meanwhile. They go on as they would.
pub(crate) fn panics<T>(under_test: impl FnOnce() -> T) -> T {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    let _loud_again = Restore(QUIET.replace(true));
    under_test()
}

/// On every way out, so that a panic of the stage itself is heard.
struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        QUIET.set(self.0);
    }
}
