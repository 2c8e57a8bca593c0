//! Larger steps, for when no small one is left: a place is counted in records, requests and messages, so where
//! there are fewer of them, faults have to follow to an earlier place, or a later one.

use std::rc::Rc;

use twophase::Life;

use super::edit::{Change, Edit};
use super::faults::{leave_out, lower, simpler};
use super::plain;
use super::settle::at_once;
use super::shape::{
    Stranded, fewer_partitions, fewer_sinks, fewer_splits, keep_sinks, keep_splits, truncate,
};
use super::within::{site_mut, time_mut, times, times_mut};
use crate::schedule::{Schedule, Span};

/// Straight into the smallest worlds, whatever the one that was found looks like: one sink or two with a split each,
/// one partition, few records, and nothing drawn. Many failures survive it, and all that follows is then cheap.
pub(super) fn leap(schedule: &Schedule) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (step, few) in [1, 2, 4, 8].into_iter().enumerate() {
        for world in worlds(schedule, few) {
            edits.push(Edit::new((0, step), move |schedule| world.enter(schedule)));
        }
    }
    edits
}

/// A tiny world.
#[derive(Clone)]
struct World {
    sinks: Vec<u16>,
    stranded: Stranded,
    /// How many records each split has.
    few: usize,
    settings: Kept,
    pace: Pace,
    places: Kept,
}

/// What becomes of a part of the schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    AsItIs,
    Plain,
}

/// How fast records come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    AtOnce,
    /// One for each checkpoint: so few can stand for many.
    WithCheckpoints,
}

fn worlds(schedule: &Schedule, few: usize) -> Vec<World> {
    let all = 0..schedule.settings.parallelism;
    let alone = all.clone().map(|sink| vec![sink]);
    let pairs = all.clone().flat_map(|one| (one + 1..all.end).map(move |other| vec![one, other]));
    let mut worlds = Vec::new();
    for sinks in alone.chain(pairs) {
        for stranded in [Stranded::Dropped, Stranded::Moved] {
            for pace in [Pace::AtOnce, Pace::WithCheckpoints] {
                for settings in [Kept::Plain, Kept::AsItIs] {
                    for places in [Kept::AsItIs, Kept::Plain] {
                        worlds.push(World { sinks: sinks.clone(), stranded, few, settings, pace, places });
                    }
                }
            }
        }
    }
    worlds
}

impl World {
    fn enter(&self, schedule: &mut Schedule) {
        keep_sinks(schedule, &self.sinks, self.stranded);
        keep_splits(schedule, |split| split < self.sinks.len());
        schedule.settings.partitions = 1;
        truncate(schedule, self.few);
        plain::make_timing_plain(schedule);
        if self.settings == Kept::Plain {
            plain::make_settings_plain(schedule);
        }
        if self.pace == Pace::WithCheckpoints {
            one_for_each_checkpoint(schedule);
        }
        if self.places == Kept::Plain {
            all_first(schedule);
        }
    }
}

fn one_for_each_checkpoint(schedule: &mut Schedule) {
    let interval = schedule.settings.checkpoint_interval;
    schedule.timing.pace = Span::new(interval, interval);
}

/// Every fault at the first of its kind of call, or half an interval after the first record.
fn all_first(schedule: &mut Schedule) {
    let at = schedule.timing.pace.min + schedule.settings.checkpoint_interval / 2;
    for fault in &mut schedule.faults {
        match site_mut(fault) {
            Some(site) => site.ordinal = 1,
            None => time_mut(fault).into_iter().for_each(|time| *time = at),
        }
    }
}

/// Smaller jobs, each with the faults at nearby places.
pub(super) fn follow(schedule: &Schedule) -> Vec<Edit> {
    let followers = followers(schedule);
    let bases = bases().into_iter().flat_map(|base| base(schedule));
    let follow = |(step, base): (usize, Edit)| {
        followers.iter().map(move |follower| base.and((step, 0), follower)).collect::<Vec<_>>()
    };
    bases.enumerate().flat_map(follow).collect()
}

/// A fault in time says little about what it strikes. In a tiny world one at a site may do the same.
pub(super) fn elsewhere(schedule: &Schedule) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (index, fault) in schedule.faults.iter().enumerate().filter(|(_, fault)| fault.time().is_some()) {
        for (step, few) in [1, 2, 4].into_iter().enumerate() {
            let worlds = worlds(schedule, few);
            let worlds =
                worlds.into_iter().filter(|world| world.sinks.len() == 1 && world.places == Kept::AsItIs);
            for world in worlds {
                for simpler in simpler(fault, schedule.settings.parallelism) {
                    let world = world.clone();
                    edits.push(Edit::new((index, step), move |schedule| {
                        schedule.faults[index] = simpler.clone();
                        world.enter(schedule);
                    }));
                }
            }
        }
    }
    edits
}

type Base = fn(&Schedule) -> Vec<Edit>;

fn bases() -> [Base; 7] {
    [
        |schedule| if schedule.faults.len() <= 8 { leave_out(schedule) } else { Vec::new() },
        fewer_sinks,
        fewer_partitions,
        fewer_splits,
        |schedule| {
            let records = schedule.records();
            let few = [1, 2, 4, 8].into_iter().filter(move |few| *few < records);
            few.map(|few| Edit::new((0, 0), move |schedule| truncate(schedule, few))).collect()
        },
        |schedule| {
            let records = schedule.records();
            let few = [1, 2, 3, 4].into_iter().filter(move |few| *few < records);
            let slowly = move |few| {
                move |schedule: &mut Schedule| {
                    truncate(schedule, few);
                    one_for_each_checkpoint(schedule);
                }
            };
            few.map(|few| Edit::new((0, 0), slowly(few))).collect()
        },
        |_| at_once((0, 0)),
    ]
}

/// Each of the faults elsewhere nearby, or all of them at the first.
fn followers(schedule: &Schedule) -> Vec<Change> {
    let mut followers: Vec<Change> = vec![Rc::new(all_first)];
    for (index, fault) in schedule.faults.iter().enumerate() {
        for which in 0..times(fault).len() {
            followers.push(Rc::new(move |schedule| {
                let interval = schedule.settings.checkpoint_interval;
                let time =
                    schedule.faults.get_mut(index).and_then(|fault| times_mut(fault).into_iter().nth(which));
                time.into_iter().for_each(|time| *time = interval);
            }));
        }
        let Some((life, ordinal)) = fault.site().map(|site| (site.life.0, site.ordinal)) else {
            continue;
        };
        let near = lower(ordinal).into_iter().chain([ordinal + 1, ordinal + 2]).map(move |near| (life, near));
        let other_life = [(life + 1, ordinal), (life.saturating_sub(1).max(1), ordinal)];
        for (life, ordinal) in near.chain(other_life) {
            followers.push(Rc::new(move |schedule| {
                // A fault that was left out moves those behind it; then this is another one, which is tried as well.
                if let Some(site) = schedule.faults.get_mut(index).and_then(site_mut) {
                    (site.life, site.ordinal) = (Life(life), ordinal);
                }
            }));
        }
    }
    followers
}
