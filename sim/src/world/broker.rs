//! The broker in its world: when its markers are written, when it looks for what has timed out, and when it is
//! not there. What it answers is the log's business.

use twophase::{Partition, Timestamp};

use super::under_way::Ticket;
use super::{EPOCH, Happening, World};
use crate::event::{Actor, What};
use crate::log::{Effect, Log, MarkerWrite};
use crate::seed::micros;

/// What is wrong with the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrokerCondition {
    Up,
    Down { until: u64 },
    NoCoordinator { until: u64, loaded: u64 },
    Loading { until: u64 },
}

impl World {
    pub(super) fn broker_time(&self) -> Timestamp {
        Timestamp(EPOCH + self.now + self.broker_clock)
    }

    #[cold]
    pub(super) fn write_marker(&mut self, write: Ticket<MarkerWrite>) {
        if let BrokerCondition::Down { until } = self.broker {
            self.queue.push(until + 1, Happening::Marker(write));
            return;
        }
        let (now, write) = (self.broker_time(), self.marker_writes.take(write));
        let written = self.log.write_marker(now, &write, &mut self.effects);
        if let (Ok(()), Some(id)) = (written, &write.id) {
            let MarkerWrite { partition, producer, marker, .. } = write;
            self.watch.marked(self.now, partition, id, producer, marker);
        }
        self.take_effects(true);
    }

    #[cold]
    pub(super) fn sweep(&mut self) {
        let interval = micros(self.schedule.broker.sweep_interval).max(1);
        self.queue.push(self.now + interval, Happening::Sweep);
        if self.broker == BrokerCondition::Up {
            let now = self.broker_time();
            self.log.sweep(now, &mut self.effects);
            self.take_effects(true);
        }
    }

    /// What follows from a step of the log: markers to be written, each in its own time, and, if it `may_show_more`, what
    /// committed readers see.
    #[inline]
    pub(super) fn take_effects(&mut self, may_show_more: bool) {
        if !self.effects.is_empty() {
            self.take_all_effects();
        }
        if may_show_more {
            self.readers.advance(&self.log, self.now, &mut self.watch);
        }
        debug_assert!(self.readers.have_seen_all(&self.log), "whoever may not see more has seen all");
    }

    #[cold]
    fn take_all_effects(&mut self) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::WriteMarker(write) => {
                    let arrives = self.now + self.marker_delay(write.partition.0);
                    let write = self.marker_writes.put(write);
                    if let Some((_, after)) = self.repeated_markers.filter(|(until, _)| self.now < *until) {
                        let again = self.marker_writes.put_again(write);
                        self.queue.push(arrives + after, Happening::Marker(again));
                    }
                    self.queue.push(arrives, Happening::Marker(write));
                }
                Effect::Expired { id, .. } => self.emit(Actor::Broker, What::TimedOut { id: &id }),
            }
        }
        self.effects = effects;
    }

    pub(super) fn marker_delay(&mut self, partition: u32) -> u64 {
        let (min, max) = self.pace.markers;
        let slow = self.slow_markers.filter(|(until, _)| self.now < *until).map_or(0, |(_, by)| by);
        match self.markers.get(partition as usize) {
            Some(stream) if min < max => slow + self.streams.at(*stream).delay_within(min..max),
            _ => slow + min,
        }
    }

    #[cold]
    pub(super) fn broker_up(&mut self) {
        if self.broker == BrokerCondition::Up {
            return;
        }
        let leaders_too = matches!(self.broker, BrokerCondition::Down { .. });
        self.broker = BrokerCondition::Up;
        if leaders_too {
            for partition in 0..self.log.partitions() {
                self.log.restart(Partition(partition));
            }
        }
        let now = self.broker_time();
        self.log.reload(now, &mut self.effects);
        self.emit(Actor::Broker, What::BrokerUp);
        self.take_effects(true);
    }

    #[cold]
    pub(super) fn coordinator_moved(&mut self) {
        if let BrokerCondition::NoCoordinator { loaded, .. } = self.broker {
            self.broker = BrokerCondition::Loading { until: loaded };
            self.queue.push(loaded, Happening::BrokerUp);
        }
    }
}
