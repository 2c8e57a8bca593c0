//! What to do about a panic that says nothing to somebody who sees it for the first time: runtimes and threads
//! that are not there inside a history.

use crate::quiet::Panic;

/// What to use instead, if the panic is that of something which a history has not got.
pub(crate) fn of(panic: &Panic) -> Option<&'static str> {
    let place = panic.place.as_deref().unwrap_or_default();
    if is_thread_of_std(place) {
        return Some(THREAD);
    }
    let known = [
        ("failed to spawn thread", THREAD),
        ("spawn a system thread", THREAD),
        ("no reactor running", RUNTIME),
        ("there is no timer running", RUNTIME),
        ("Cannot block the current thread from within a runtime", BLOCKING),
        ("Cannot start a runtime from within a runtime", BLOCKING),
    ];
    known.into_iter().find(|(part, _)| panic.message.contains(part)).map(|(_, hint)| hint)
}

/// The sandbox refuses a thread where the standard library first asks the system for one, and an assertion there
/// fails on a bare number: only its file says what it is about.
fn is_thread_of_std(place: &str) -> bool {
    let path = place.replace('\\', "/");
    path.split_once("std/src/").is_some_and(|(_, file)| file.starts_with("sys") && file.contains("thread"))
}

const THREAD: &str = "a history has no threads: use env.spawn in place of std::thread::spawn";
const RUNTIME: &str = "a history has no tokio runtime: use env.spawn in place of tokio::spawn, and \
                       env.clock().sleep in place of tokio::time::sleep, interval and timeout";
const BLOCKING: &str = "a history plays on one thread: use .await in place of block_on";

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(message: &str, place: &str) -> Option<&'static str> {
        of(&Panic { message: message.to_owned(), place: Some(place.to_owned()) })
    }

    #[test]
    fn what_a_history_has_not_got_is_hinted_at_and_nothing_else_is() {
        let refused = "assertion `left == right` failed\n  left: -1\n right: 0";
        for place in [
            "/rustc/5980/library/std/src/sys/thread/unix.rs:49:9",
            "/rustc/5980/library/std/src/sys/pal/unix/thread.rs:49:9",
        ] {
            assert_eq!(hint(refused, place), Some(THREAD));
        }
        assert_eq!(hint(refused, "src/thread.rs:1:1"), None);
        assert_eq!(hint("there is no reactor running, must be called ...", "src/sink.rs:7:9"), Some(RUNTIME));
        assert_eq!(hint("out of orders", "src/sink.rs:7:9"), None);
    }
}
