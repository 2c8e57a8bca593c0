//! Larger steps, for when no small one is left: a place is counted in records, requests and messages, so where
//! there are fewer of them, faults have to follow to an earlier place, or a later one.

use std::rc::Rc;

use twophase::Life;

use super::edit::{Change, Edit};
use super::faults::{leave_out, lower};
use super::plain;
use super::settle::at_once;
use super::shape::{Stranded, fewer_partitions, fewer_sinks, fewer_splits, keep_sinks, truncate};
use super::within::site_mut;
use crate::schedule::Schedule;

/// Straight into the smallest worlds, whatever the one that was found looks like: one sink, one split, one partition,
/// few records, and nothing drawn. Many failures survive it, and all that follows is then cheap.
pub(super) fn leap(schedule: &Schedule) -> Vec<Edit> {
    let sinks = 0..schedule.settings.parallelism;
    let mut edits = Vec::new();
    for (step, few) in [1, 2, 4, 8].into_iter().enumerate() {
        for sink in sinks.clone() {
            for stranded in [Stranded::Dropped, Stranded::Moved] {
                for first in [false, true] {
                    for settings in [true, false] {
                        edits.push(Edit::new((0, step), move |schedule| {
                            keep_sinks(schedule, &[sink], stranded);
                            let splits = schedule.input.drain(..).take(1).collect();
                            schedule.input = splits;
                            (schedule.settings.splits, schedule.settings.partitions) = (1, 1);
                            truncate(schedule, few);
                            plain::make_timing_plain(schedule);
                            if settings {
                                plain::make_settings_plain(schedule);
                            }
                            if first {
                                all_first(schedule);
                            }
                        }));
                    }
                }
            }
        }
    }
    edits
}

/// Every fault at the first of its kind of call.
fn all_first(schedule: &mut Schedule) {
    schedule.faults.iter_mut().filter_map(site_mut).for_each(|site| site.ordinal = 1);
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

type Base = fn(&Schedule) -> Vec<Edit>;

fn bases() -> [Base; 6] {
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
        |_| at_once((0, 0)),
    ]
}

/// Each of the faults elsewhere nearby, or all of them at the first.
fn followers(schedule: &Schedule) -> Vec<Change> {
    let mut followers: Vec<Change> = vec![Rc::new(all_first)];
    for (index, fault) in schedule.faults.iter().enumerate() {
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
