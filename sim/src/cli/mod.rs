//! The command: parse, call, exit code. Everything between a person and a run, and nothing that judges.

mod args;
mod bench;
mod digest;
mod history;
mod json;
mod list;
mod out;
mod progress;
mod replay;
mod run;
mod show;
mod shrink;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;
use crate::shell::quoted;
use crate::subject::Subject;
use crate::sweep::Threads;
use args::Command;
use out::Out;

/// The whole command `twophase` for a job of one's own: `run`, `replay`, `digest` and all the rest. Over one
/// [`Subject`] or several; without `--subject` the first is played.
///
/// ```no_run
/// use twophase_sim::{Subject, subjects};
///
/// fn main() -> std::process::ExitCode {
///     twophase_sim::cli(Subject::sink("orders", subjects::exactly_once)) // or your own
/// }
/// ```
///
/// In a project that has `twophase-sim` for its tests only, this is an example: `examples/orders.rs`, and
/// `cargo run --example orders -- run --seed 7`.
///
/// Each history has a thread of its own, as a stranger's code needs it: see [`Threads::Fresh`].
pub fn cli(subjects: impl Into<Vec<Subject>>) -> ExitCode {
    cli_on(Threads::Fresh, subjects)
}

/// The same, with the threads as they are said: for subjects that are known to need no [`Threads::Fresh`].
pub fn cli_on(threads: Threads, subjects: impl Into<Vec<Subject>>) -> ExitCode {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_else(|| OsString::from("twophase"));
    let called = called(&program.to_string_lossy());
    let context = Context { subjects: &subjects.into(), threads, stop: stop_at_ctrl_c(), called };
    let mut out = Out::stdout();
    let exit = args::parse(&context.called, std::iter::once(program).chain(words))
        .and_then(|command| context.obey(command, &mut out));
    let exit = exit.and_then(|exit| out.flush().map(|()| exit).map_err(Trouble::from));
    match exit {
        Ok(exit) => exit,
        Err(trouble) => trouble.tell(),
    }
    .into()
}

/// What all commands share.
struct Context<'a> {
    subjects: &'a [Subject],
    threads: Threads,
    stop: Arc<AtomicBool>,
    /// How this program is called, for the lines that people type to play something again.
    called: String,
}

/// Why a command cannot go on.
#[derive(Debug)]
enum Trouble {
    /// What was typed or given is wrong; one line.
    Input(String),
    /// No trouble: help, or the version.
    Help(String),
    /// What there was to say could not be written.
    Output(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Output(error)
    }
}

impl From<String> for Trouble {
    fn from(line: String) -> Self {
        Trouble::Input(line)
    }
}

impl Trouble {
    /// Nobody may listen any more; then there is nobody to tell.
    fn tell(self) -> Exit {
        let line = match self {
            Trouble::Help(text) => {
                let _ = write!(Out::stdout(), "{text}");
                return Exit::Held;
            }
            Trouble::Input(line) => line,
            Trouble::Output(error) => {
                format!("standard output: cannot be written ({error}); expected it to take the results")
            }
        };
        let _ = writeln!(io::stderr(), "error: {line}");
        Exit::Usage
    }
}

impl Context<'_> {
    fn obey(&self, command: Command, out: &mut Out) -> Result<Exit, Trouble> {
        match command {
            Command::Run(run) => run::run(self, &run, out),
            Command::Subjects => list::list(self, out),
            Command::Digest(digest) => digest::digest(self, &digest, out),
            Command::Bench(args) => bench::bench(self, &args, out),
            Command::Replay(replay) => replay::replay(self, &replay, out),
            Command::Show(show) => show::show(self, &show, out),
            Command::Shrink(shrink) => shrink::shrink(self, &shrink, out),
        }
    }

    fn subject(&self, name: &str) -> Result<&Subject, String> {
        list::find(self.subjects, &self.called, name)
    }

    /// The one that was named, or the first.
    fn chosen(&self, name: Option<&str>) -> Result<&Subject, String> {
        match (name, self.subjects.first()) {
            (Some(name), _) => self.subject(name),
            (None, Some(first)) => Ok(first),
            (None, None) => {
                Err("there is no subject; expected at least one: give it to twophase_sim::cli".to_owned())
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// The first Ctrl-C asks for an end, the second one does not ask.
fn stop_at_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let end = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(Exit::Interrupted.code().into());
        }
    };
    // Where no handler can be set, Ctrl-C ends the process as it always does.
    let _ = ctrlc::set_handler(end);
    stop
}

/// As the person called it: through cargo, or by its path.
fn called(program: &str) -> String {
    let through_cargo = std::env::var_os("CARGO").is_some() && std::env::var_os("CARGO_PKG_NAME").is_some();
    let release = if cfg!(debug_assertions) { "" } else { " --release" };
    match which(Path::new(program)).filter(|_| through_cargo) {
        Some(which) => format!("cargo run{release}{which} --"),
        None => quoted(program),
    }
}

/// How cargo is told to run this one. The command `twophase` is what it runs unless told otherwise.
fn which(program: &Path) -> Option<String> {
    let name = program.file_stem()?.to_str()?;
    let is_example = program.parent()?.ends_with("examples");
    Some(match (is_example, name) {
        (true, _) => format!(" --example {}", quoted(name)),
        (false, "twophase") => String::new(),
        (false, _) => format!(" --bin {}", quoted(name)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a command ends over a sink that does not come back from its first start, until the test is over.
    fn ends(words: &str) -> Exit {
        struct Over<'a>(&'a AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let over = Arc::new(AtomicBool::new(false));
        let _over = Over(&over);
        let until = over.clone();
        let hangs = Subject::sink("hangs", move |env| {
            while !until.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            crate::subjects::exactly_once(env)
        });
        let context = Context {
            subjects: &[hangs],
            threads: Threads::Shared,
            stop: Arc::default(),
            called: "twophase".to_owned(),
        };
        let command = args::parse("twophase", words.split(' ').map(OsString::from)).expect("it can be typed");
        context.obey(command, &mut Out::to(io::sink())).expect("it ends in good order")
    }

    #[test]
    fn every_command_that_plays_code_which_never_comes_back_ends_with_exit_3() {
        for words in [
            "twophase run --seeds 0..50 --hang-timeout 1",
            "twophase run --seed 7 --hang-timeout 1",
            "twophase run --seed 7 --twice --json --hang-timeout 1",
            "twophase digest --seeds 0..50 --hang-timeout 1",
        ] {
            assert_eq!(ends(words), Exit::Stuck, "{words}");
        }
    }

    #[test]
    fn what_cargo_runs_is_told_to_it_again() {
        let which = |program| which(Path::new(program)).unwrap();
        assert_eq!(which("target/debug/examples/orders"), " --example orders");
        assert_eq!(which("target/release/orders"), " --bin orders");
        assert_eq!(which("target/release/twophase"), "");
    }
}
