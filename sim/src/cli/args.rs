//! What can be typed. The only file that names clap.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::Trouble;
use crate::generate::Safety;
use crate::seed::Seed;
use crate::seeds::{Extent, Seeds};
use crate::shrink::SHRINK_BUDGET;
use crate::wall::HANG_TIMEOUT;

/// Plays lives of a two-phase-commit job - checkpoints, crashes, restores, timeouts - and checks one thing:
/// the committed output equals the input, exactly once.
///
/// Without a command it plays 10 000 seeds of the first subject.
#[derive(Debug, Parser)]
#[command(name = "twophase", version, args_conflicts_with_subcommands = true, after_help = EXITS)]
pub(crate) struct Line {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

const EXITS: &str = "Exit codes: 0 held, 1 usage or input, 2 anomaly, 3 stuck or hung, 4 not deterministic, \
                     5 vacuous, 130 interrupted";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play seeds of a subject, and judge each.
    #[command(after_help = EXITS)]
    Run(Run),
    /// List what can be tested.
    Subjects,
    /// Print one line `seed digest` for each seed, to compare machines and builds.
    Digest(Digest),
    /// Measure how many histories a second this machine plays, on one core.
    Bench(Bench),
    /// Play a saved schedule.
    #[command(after_help = EXITS)]
    Replay(Replay),
    /// Play a saved schedule, and show the history as lanes in the terminal.
    #[command(after_help = EXITS)]
    Show(Show),
    /// Make a saved schedule that fails smaller, and save the smallest that still fails in the same way.
    #[command(after_help = EXITS)]
    Shrink(Shrink),
}

#[derive(Args, Debug)]
pub(crate) struct Run {
    /// What is tested; `subjects` lists all [default: the first of them].
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Which seeds; the end is exclusive. Decimal or 0x [default: 0..10000].
    #[arg(long, value_name = "A..B", allow_hyphen_values = true)]
    pub(crate) seeds: Option<Seeds>,
    /// One seed: print what it drew, its trace, and the verdict.
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub(crate) seed: Option<Seed>,
    /// Real records: a file, one record a line. Each history plays a window of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,
    /// How many records each history has [default: drawn from the seed].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) records: Option<u32>,
    /// Write what was committed to a new file, in (split, offset) order.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Save the schedule to a new file, for `twophase replay`.
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// Whether the settings of the job lie inside the safe rule.
    #[arg(long, value_name = "WHICH", value_enum, default_value_t = Settings::Safe)]
    pub(crate) settings: Settings,
    /// Whether anything goes wrong.
    #[arg(long, value_name = "WHETHER", value_enum, default_value_t = Switch::On)]
    pub(crate) faults: Switch,
    /// Play every seed twice, and compare [default: one in a hundred].
    #[arg(long)]
    pub(crate) twice: bool,
    /// On how many threads [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) hang_timeout: HangTimeout,
    #[command(flatten)]
    pub(crate) shrink_budget: ShrinkBudget,
    /// With --seed: if it fails, show (and save) the smallest schedule that still does, in its place.
    #[arg(long)]
    pub(crate) shrink: bool,
    /// Print what programs read, instead.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Digest {
    /// What is played; `subjects` lists all [default: the first of them].
    #[arg(long, value_name = "NAME")]
    pub(crate) subject: Option<String>,
    /// Which seeds; the end is exclusive. Decimal or 0x.
    #[arg(long, value_name = "A..B", allow_hyphen_values = true)]
    pub(crate) seeds: Seeds,
    /// On how many threads [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) hang_timeout: HangTimeout,
}

#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// How many histories each line plays.
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) histories: u32,
    /// On which thread each is played [default: both, one after the other].
    #[arg(long, value_name = "WHICH", value_enum)]
    pub(crate) threads: Option<On>,
}

#[derive(Args, Debug)]
pub(crate) struct Replay {
    /// A file that `run --save` wrote.
    pub(crate) file: PathBuf,
    /// Play it twice, and compare.
    #[arg(long)]
    pub(crate) twice: bool,
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    #[command(flatten)]
    pub(crate) hang_timeout: HangTimeout,
    /// Print what programs read, instead.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Show {
    /// A file that `run --save` wrote.
    pub(crate) file: PathBuf,
    /// Only what happens shortly before and after this step, by its number.
    #[arg(long, value_name = "STEP", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) around: Option<u32>,
    /// Only the way of this record: s0:7.
    #[arg(long, value_name = "RECORD")]
    pub(crate) record: Option<String>,
    /// Only the steps of the transactions with this name.
    #[arg(long, value_name = "ID")]
    pub(crate) transaction: Option<String>,
    /// Heartbeats too.
    #[arg(long)]
    pub(crate) all: bool,
    /// How many columns it may take [default: what the terminal has, else COLUMNS, else 100].
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16).range(40..=1_000))]
    pub(crate) width: Option<u16>,
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    #[command(flatten)]
    pub(crate) hang_timeout: HangTimeout,
}

/// Of every command that plays one history.
#[derive(Args, Debug, Default)]
pub(crate) struct Pictures {
    /// Draw the history into a new file: a page that any browser opens.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) timeline: Option<PathBuf>,
    /// Write it to a new file as a trace that Perfetto opens.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) chrome: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Shrink {
    /// A file that `run --save` wrote.
    pub(crate) file: PathBuf,
    /// Where to save it: a new file [default: beside the other, as NAME.shrunk.json].
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// On how many threads [default: one for each core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) jobs: Option<u16>,
    #[command(flatten)]
    pub(crate) hang_timeout: HangTimeout,
    #[command(flatten)]
    pub(crate) shrink_budget: ShrinkBudget,
}

/// Of every command that shrinks.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ShrinkBudget {
    /// How long to look for a smaller schedule that still fails; 0 not to look [default: 10].
    #[arg(id = "shrink-budget", long = "shrink-budget", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    seconds: Option<u32>,
}

impl ShrinkBudget {
    pub(crate) fn budget(self) -> Duration {
        self.seconds.map_or(SHRINK_BUDGET, |seconds| Duration::from_secs(seconds.into()))
    }
}

/// Of every command that plays something.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct HangTimeout {
    /// End, and say where it hangs, when one poll lasts longer than this by the wall clock [default: 10].
    #[arg(long = "hang-timeout", value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
}

impl HangTimeout {
    pub(crate) fn timeout(self) -> Duration {
        self.seconds.map_or(HANG_TIMEOUT, |seconds| Duration::from_secs(seconds.into()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// All histories on one thread.
    Shared,
    /// Each on a thread of its own, as a stranger's code needs it.
    Fresh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Settings {
    /// Inside: the correct job loses nothing.
    Safe,
    /// Anywhere: a promised transaction may time out, and its records are lost (W8).
    Unsafe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

impl From<Settings> for Safety {
    fn from(settings: Settings) -> Self {
        match settings {
            Settings::Safe => Safety::Safe,
            Settings::Unsafe => Safety::Unsafe,
        }
    }
}

/// What is played if nothing else is asked for.
const DEFAULT_SEEDS: Range<u64> = 0..10_000;

impl Run {
    /// One history or many; or in one line which flags contradict each other, and what to do about it.
    pub(crate) fn extent(&self) -> Result<Extent, String> {
        match (self.seed, &self.seeds) {
            (Some(_), Some(_)) => {
                Err("--seed and --seeds contradict each other; expected one of them: leave the other out"
                    .to_owned())
            }
            (Some(seed), None) => Ok(Extent::One(seed)),
            (None, seeds) => {
                self.needs_one("--output", self.output.is_some())?;
                self.needs_one("--save", self.save.is_some())?;
                self.needs_one("--timeline", self.pictures.timeline.is_some())?;
                self.needs_one("--chrome", self.pictures.chrome.is_some())?;
                self.needs_one("--shrink", self.shrink)?;
                Ok(Extent::Many(seeds.clone().map_or(DEFAULT_SEEDS, |seeds| seeds.0)))
            }
        }
    }

    fn needs_one(&self, flag: &str, given: bool) -> Result<(), String> {
        match given {
            false => Ok(()),
            true => Err(format!(
                "{flag} is for one history, and this plays many; expected a single seed: add --seed S in place of --seeds"
            )),
        }
    }
}

/// What is typed, or what to say instead: the help, or one line of error.
///
/// `called` is how this program is called: it may be a user's own.
pub(crate) fn parse(
    called: &str,
    words: impl Iterator<Item = std::ffi::OsString>,
) -> Result<Command, Trouble> {
    let matches = Line::command().bin_name(called).try_get_matches_from(words);
    let line = matches.and_then(|matches| Line::from_arg_matches(&matches));
    let line = line.map_err(|error| match error.use_stderr() {
        false => Trouble::Help(error.render().to_string()),
        true => Trouble::Input(one_line(called, &error.render().to_string())),
    })?;
    let command = line.command.unwrap_or(Command::Run(line.run));
    if let Command::Run(run) = &command {
        run.extent()?;
    }
    Ok(command)
}

/// An error of clap is a paragraph, then the usage. Scripts and people with a full screen get one line.
fn one_line(called: &str, paragraphs: &str) -> String {
    let said = paragraphs.split("\nUsage:").next().unwrap_or(paragraphs);
    let said = said.split("For more information").next().unwrap_or(said);
    let parts: Vec<_> = said.lines().map(str::trim).filter(|part| !part.is_empty()).collect();
    let said = parts.join(" ");
    let said = said.strip_prefix("error: ").unwrap_or(&said);
    format!("{said}; '{called} --help' lists what there is")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Result<Command, Trouble> {
        parse("twophase", text.split(' ').map(std::ffi::OsString::from))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn nothing_is_a_run_of_ten_thousand_seeds() {
        let Ok(Command::Run(run)) = typed("twophase") else { panic!("nothing is a run") };
        assert_eq!(run.extent(), Ok(Extent::Many(0..10_000)));
        assert_eq!(run.subject, None);
    }

    #[test]
    fn whatever_is_wrong_is_one_line_that_says_what_was_expected() {
        for text in [
            "twophase run --seeds 9..3",
            "twophase run --seeds 5..5",
            "twophase run --seeds 5",
            "twophase run --seeds -1..5",
            "twophase run --seed 0xZZ",
            "twophase run --seed 1 --seeds 1..2",
            "twophase run --output x",
            "twophase run --save x --seeds 1..2",
            "twophase run --timeline x --seeds 1..2",
            "twophase run --chrome x",
            "twophase show",
            "twophase show x --around 0",
            "twophase run --records 0",
            "twophase run --jobs 0",
            "twophase run --hang-timeout 0",
            "twophase run --hang-timeout soon",
            "twophase run --settings sound",
            "twophase run --shrink",
            "twophase run --shrink-budget soon",
            "twophase shrink",
            "twophase digest",
            "twophase replay",
            "twophase frobnicate",
            "twophase --subjekt x",
        ] {
            let Err(Trouble::Input(said)) = typed(text) else { panic!("{text} is accepted") };
            assert!(!said.contains('\n'), "{said}");
            assert!(said.ends_with("lists what there is") || said.contains("expected"), "{said}");
        }
    }
}
