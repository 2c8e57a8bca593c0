//! Where faults strike: at a site, as a process passes it, or at a time.

use super::broker::BrokerCondition;
use super::calls::Ending;
use super::life::Made;
use super::{Happening, Pid, World};
use crate::event::{Actor, What};
use crate::fault::{End, Fault};
use crate::seed::micros;
use crate::site::{Name, Phase, Site};
use twophase::Life;

/// What becomes of the request, answer or message whose site it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fate {
    pub(super) lost: bool,
    pub(super) delay: u64,
    /// It arrives a second time, this much later.
    pub(super) again: Option<u64>,
}

impl World {
    /// Which faults are placed in this life, and may still strike.
    pub(super) fn faults_in(&self, name: Name, life: Life) -> Vec<usize> {
        if self.healed {
            return Vec::new();
        }
        let placed =
            |fault: &Fault| fault.site().is_some_and(|site| site.process == name && site.life == life);
        let faults = self.schedule.faults.iter().enumerate();
        faults.filter(|(_, fault)| placed(fault)).map(|(index, _)| index).collect()
    }

    /// A process that is in danger passes a site: whatever is placed there strikes.
    #[inline(never)]
    pub(super) fn strike(&mut self, pid: Pid, made: Made, phase: Phase) -> Fate {
        let mut fate = Fate::default();
        let call = self.lives[pid].call(made);
        let here =
            |site: &Site| site.ordinal == made.ordinal && site.phase == phase && site.operation == call;
        let placed = |index: &usize| self.schedule.faults[*index].site().is_some_and(here);
        if !self.lives[pid].armed.iter().any(placed) {
            return fate; // as nearly always
        }
        let schedule = self.schedule.clone();
        let mut armed = std::mem::take(&mut self.lives[pid].armed);
        armed.retain(|&index| {
            let fault = &schedule.faults[index];
            let strikes = fault.site().is_some_and(here) && self.lives[pid].is_alive();
            if strikes {
                self.has_struck(index, self.lives[pid].actor());
                self.strike_at_site(pid, fault, &mut fate);
            }
            !strikes
        });
        self.lives[pid].armed = armed;
        fate
    }

    fn strike_at_site(&mut self, pid: Pid, fault: &Fault, fate: &mut Fate) {
        match fault {
            Fault::Crash { restart_after, .. } => self.kill(pid, micros(*restart_after)),
            Fault::Pause { lasts, .. } => {
                self.pause(pid);
                self.queue.push(self.now + micros(*lasts), Happening::Resume(pid));
            }
            Fault::Zombie { replaced_after, wakes_after, .. } => {
                self.pause(pid);
                let replaced = self.now + micros(*replaced_after);
                self.queue.push(replaced, Happening::Replace(pid));
                self.queue.push(replaced + micros(*wakes_after), Happening::Resume(pid));
            }
            Fault::Lose { .. } => fate.lost = true,
            Fault::Delay { by, .. } => fate.delay += micros(*by),
            Fault::Repeat { after, .. } => fate.again = Some(micros(*after)),
            _ => unreachable!("a fault with a time is not placed at a site"),
        }
    }

    /// A fault's time has come.
    #[cold]
    pub(super) fn strike_at_time(&mut self, index: usize) {
        if self.healed {
            return;
        }
        let schedule = self.schedule.clone();
        self.has_struck(index, Actor::World);
        match &schedule.faults[index] {
            Fault::CrashAt { process, restart_after, .. } => {
                if let Some(pid) = self.lives.newest(*process) {
                    self.kill(pid, micros(*restart_after));
                }
            }
            Fault::Stop { process, .. } => self.ask_to_stop(*process),
            Fault::Partition { from, to, both_ways, lasts, .. } => {
                self.cut(*from, *to, *both_ways, micros(*lasts));
            }
            Fault::BrokerRestart { lasts, .. } => self.break_broker(micros(*lasts), None),
            Fault::CoordinatorFailover { lasts, clock_ahead, .. } => {
                let lasts = micros(*lasts);
                self.broker_clock += micros(*clock_ahead);
                self.break_broker(lasts / 2, Some(lasts));
            }
            Fault::SlowMarkers { lasts, by, .. } => {
                self.slow_markers = Some((self.now + micros(*lasts), micros(*by)));
            }
            Fault::RepeatMarkers { lasts, after, .. } => {
                self.repeated_markers = Some((self.now + micros(*lasts), micros(*after)));
            }
            Fault::ClockJump { process, by, backwards, .. } => {
                let by = micros(*by) as i64;
                self.jump(*process, if *backwards { -by } else { by });
            }
            _ => unreachable!("a fault with a site has no time"),
        }
    }

    fn has_struck(&mut self, index: usize, who: Actor) {
        self.struck[index] = true;
        let schedule = self.schedule.clone();
        self.emit(who, What::Struck(&schedule.faults[index]));
    }

    fn cut(&mut self, from: End, to: End, both_ways: bool, lasts: u64) {
        self.ways_are_clear = false;
        self.cuts.add(from, to, self.now + lasts);
        if both_ways {
            self.cuts.add(to, from, self.now + lasts);
        }
    }

    /// The broker is away: as a whole, or (with the time until it has loaded again) only its coordinator.
    fn break_broker(&mut self, away: u64, loaded: Option<u64>) {
        if self.broker != BrokerCondition::Up {
            return;
        }
        let until = self.now + away;
        match loaded {
            None => {
                self.broker = BrokerCondition::Down { until };
                self.queue.push(until, Happening::BrokerUp);
            }
            Some(lasts) => {
                self.broker = BrokerCondition::NoCoordinator { until, loaded: self.now + lasts };
                self.queue.push(until, Happening::CoordinatorMoved);
            }
        }
        self.emit(Actor::Broker, What::BrokerDown);
    }

    fn ask_to_stop(&mut self, name: Name) {
        let Some(pid) = self.lives.newest(name) else {
            return;
        };
        if !self.lives[pid].is_alive() {
            return;
        }
        self.lives[pid].asked_to_stop = true;
        for wait in std::mem::take(&mut self.lives[pid].stopping) {
            let _ = self.waits.end(wait, Ending::Woke, &mut self.woken); // who waited may be gone
        }
        let who = self.lives[pid].actor();
        self.emit(who, What::AskedToStop);
    }

    /// How long a process stays away that was asked to end.
    pub(super) fn restart_after_stop(&self, name: Name) -> Option<u64> {
        self.schedule.faults.iter().zip(&self.struck).rev().find_map(|(fault, struck)| match fault {
            Fault::Stop { process, restart_after, .. } if *struck && *process == name => {
                Some(micros(*restart_after))
            }
            _ => None,
        })
    }

    /// All lives of a process run on one machine, so the clock of each is off.
    fn jump(&mut self, name: Name, by: i64) {
        for life in self.lives.iter_mut().filter(|life| life.name == name) {
            life.clock_off += by;
        }
    }
}
