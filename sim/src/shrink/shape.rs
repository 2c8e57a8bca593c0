//! A smaller job: fewer sinks, partitions, splits and records.

use std::collections::BTreeMap;

use super::edit::{Edit, pieces};
use super::within::names_mut;
use crate::fault::Fault;
use crate::schedule::Schedule;
use crate::site::Name;
use twophase::Role;

/// One sink alone; then one fewer.
pub(super) fn fewer_sinks(schedule: &Schedule) -> Vec<Edit> {
    let sinks = schedule.settings.parallelism;
    if sinks < 2 {
        return Vec::new();
    }
    let alone = (0..sinks).map(move |sink| (0, sink, vec![sink]));
    let all_but = move |sink: u16| (0..sinks).filter(|other| *other != sink).collect::<Vec<_>>();
    let without = (0..sinks).map(|sink| (1, sink, all_but(sink)));
    let mut edits = Vec::new();
    for (step, sink, kept) in alone.chain(without) {
        for moves in [Stranded::Dropped, Stranded::Moved] {
            let kept = kept.clone();
            edits.push(Edit::new((step, sink.into()), move |schedule| keep_sinks(schedule, &kept, moves)));
        }
    }
    // All the splits, for fewer sinks.
    for fewer in [1, sinks - 1] {
        edits.push(Edit::new((2, fewer.into()), move |schedule| {
            let kept: Vec<_> = (0..fewer).collect();
            keep_faults(schedule, &kept, Stranded::Moved);
            schedule.settings.parallelism = fewer;
        }));
    }
    edits
}

/// What becomes of the faults of a sink that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranded {
    Dropped,
    /// They strike the first of those that are kept.
    Moved,
}

/// Only these sinks, each with the splits that it has.
pub(super) fn keep_sinks(schedule: &mut Schedule, kept: &[u16], stranded: Stranded) {
    let sinks = usize::from(schedule.settings.parallelism);
    let splits = std::mem::take(&mut schedule.input);
    // Split `s` is read by sink `s % sinks`: the n-th of each stays the n-th.
    let rounds = splits.chunks(sinks);
    let of_kept = rounds.flat_map(|round| kept.iter().filter_map(|sink| round.get(usize::from(*sink))));
    schedule.input = of_kept.cloned().collect();
    schedule.settings.splits = schedule.input.len() as u16;
    schedule.settings.parallelism = kept.len() as u16;
    keep_faults(schedule, kept, stranded);
}

fn keep_faults(schedule: &mut Schedule, kept: &[u16], stranded: Stranded) {
    let new_index: BTreeMap<u16, u16> = kept.iter().copied().zip(0..).collect();
    let follows = |name: &mut Name| match (name.role, new_index.get(&name.index), stranded) {
        (Role::Sink, Some(index), _) => {
            name.index = *index;
            true
        }
        (Role::Sink, None, Stranded::Dropped) => false,
        (Role::Sink, None, Stranded::Moved) => {
            name.index = 0;
            true
        }
        _ => true,
    };
    let stays = |fault: &mut Fault| names_mut(fault).into_iter().all(follows);
    schedule.faults.retain_mut(stays);
}

pub(super) fn fewer_partitions(schedule: &Schedule) -> Vec<Edit> {
    let now = schedule.settings.partitions;
    let fewer = [1, 2, now / 2, now - 1].into_iter().filter(move |fewer| (1..now).contains(fewer));
    fewer.map(|fewer| Edit::new((0, 0), move |schedule| schedule.settings.partitions = fewer)).collect()
}

/// One for each sink; then one fewer. A sink without any would never align a barrier.
pub(super) fn fewer_splits(schedule: &Schedule) -> Vec<Edit> {
    let (sinks, splits) = (usize::from(schedule.settings.parallelism), schedule.input.len());
    if splits <= sinks {
        return Vec::new();
    }
    let first = Edit::new((0, 0), move |schedule| keep_splits(schedule, |split| split < sinks));
    let without = (0..splits)
        .map(|gone| Edit::new((1, gone), move |schedule| keep_splits(schedule, |split| split != gone)));
    std::iter::once(first).chain(without).collect()
}

pub(super) fn keep_splits(schedule: &mut Schedule, keep: impl Fn(usize) -> bool) {
    let all = std::mem::take(&mut schedule.input).into_iter().enumerate();
    schedule.input = all.filter(|(split, _)| keep(*split)).map(|(_, records)| records).collect();
    schedule.settings.splits = schedule.input.len() as u16;
}

/// The first few of each split, then the first few of one, then any but some.
pub(super) fn fewer_records(schedule: &Schedule) -> Vec<Edit> {
    let longest = schedule.input.iter().map(Vec::len).max().unwrap_or(0);
    let mut edits = Vec::new();
    for few in few(longest) {
        edits.push(Edit::new((0, few), move |schedule| truncate(schedule, few)));
    }
    for (split, records) in schedule.input.iter().enumerate() {
        for few in few(records.len()) {
            edits.push(Edit::new((1, split), move |schedule| schedule.input[split].truncate(few)));
        }
    }
    for (size, start) in pieces(schedule.records()) {
        edits.push(Edit::new((usize::MAX - size, start), move |schedule| cut_out(schedule, start, size)));
    }
    edits
}

/// Fewer than this many.
fn few(many: usize) -> impl Iterator<Item = usize> {
    [0, 1, 2, 3, 5, 8, 13, 21]
        .into_iter()
        .filter(move |few| *few < many)
        .chain((many > 42).then_some(many / 2))
}

pub(super) fn truncate(schedule: &mut Schedule, few: usize) {
    schedule.input.iter_mut().for_each(|split| split.truncate(few));
}

/// Leaves out `size` records from the one at `start` on, counted over all splits.
fn cut_out(schedule: &mut Schedule, start: usize, size: usize) {
    let mut number = 0;
    for split in &mut schedule.input {
        split.retain(|_| {
            number += 1;
            !(start..start + size).contains(&(number - 1))
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use twophase::Payload;

    use super::*;
    use crate::generate::Generator;
    use crate::seed::Seed;

    /// Three sinks with two splits each; the records of split s are `s:0`, `s:1`, ...
    fn schedule() -> Schedule {
        let generator = Generator {
            adjust: Some(std::sync::Arc::new(|settings| (settings.parallelism, settings.splits) = (3, 6))),
            ..Generator::default()
        };
        let mut schedule = generator.schedule(Seed(7)).expect("made-up records can always be read");
        let record = |split: usize, offset| Payload::from(format!("{split}:{offset}"));
        schedule.input = (0..6).map(|split| (0..4).map(|offset| record(split, offset)).collect()).collect();
        let crash = |sink: u16| Fault::Crash {
            at: format!("sink-{sink}/1/produce#2/sent").parse().expect("it is a site"),
            restart_after: Duration::ZERO,
        };
        schedule.faults = vec![crash(0), crash(2)];
        schedule
    }

    fn first_records(schedule: &Schedule) -> Vec<&[u8]> {
        schedule.input.iter().map(|split| &split[0][..]).collect()
    }

    fn struck(schedule: &Schedule) -> Vec<u16> {
        schedule.faults.iter().filter_map(Fault::site).map(|site| site.process.index).collect()
    }

    #[test]
    fn a_sink_that_is_kept_keeps_its_splits_and_faults() {
        let mut kept = schedule();
        keep_sinks(&mut kept, &[0, 2], Stranded::Dropped);
        assert_eq!(first_records(&kept), [b"0:0", b"2:0", b"3:0", b"5:0"]);
        assert_eq!(struck(&kept), [0, 1]);
        let mut alone = schedule();
        keep_sinks(&mut alone, &[2], Stranded::Dropped);
        assert_eq!((first_records(&alone), struck(&alone)), (vec![&b"2:0"[..], b"5:0"], vec![0]));
    }

    #[test]
    fn faults_of_a_sink_that_is_not_kept_may_strike_another() {
        let mut moved = schedule();
        keep_sinks(&mut moved, &[1], Stranded::Moved);
        assert_eq!(struck(&moved), [0, 0]);
    }

    #[test]
    fn every_edit_of_the_shape_gives_a_schedule_that_can_be_played() {
        let schedule = schedule();
        for edits in [fewer_sinks, fewer_partitions, fewer_splits, fewer_records] {
            for edit in edits(&schedule) {
                let smaller = edit.of(&schedule);
                assert_eq!(smaller.check(), Ok(()));
                assert!(smaller.settings.splits >= smaller.settings.parallelism);
            }
        }
    }

    #[test]
    fn records_are_cut_out_over_the_borders_of_splits() {
        let mut cut = schedule();
        cut_out(&mut cut, 3, 2);
        assert_eq!(cut.input.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 4, 4, 4, 4]);
        assert_eq!(&cut.input[1][0][..], b"1:1");
    }
}
