//! A regression that is stale, renewed: faults move to nearby places until they strike again where they did. That
//! is the best that can be done without the mistake that it was made for.

use std::path::Path;
use std::sync::Arc;

use twophase::Life;

use super::Simulation;
use super::regressions::{Came, Regression, came};
use crate::fault::Fault;
use crate::file::{Saved, create_or_renew};
use crate::schedule::Schedule;
use crate::shrink::{site_mut, time_mut};
use crate::sweep::play_alone;
use crate::watch::Keep;

/// How many calls further on a fault is tried, and among the first ones.
const FURTHER: u32 = 8;

/// How many calls earlier.
const BEFORE: u32 = 32;

/// How much earlier or later, in eighths of its time, a fault with a time is tried.
const EIGHTHS: [u32; 9] = [7, 6, 5, 4, 2, 1, 10, 12, 16];

impl Simulation {
    /// Writes what gets there in place of what does not. Returns what has changed, one line for each fault.
    ///
    /// # Errors
    /// A sentence, if there is nothing to renew, or nothing nearby gets there. The file is as it was then.
    pub(super) fn renew(&self, regression: &Regression) -> Result<Vec<String>, String> {
        let Regression { name, path, saved } = regression;
        let stale = match self.missed(saved)? {
            Stands::There => {
                return Err(format!(
                    "{name}: gets where it was made for; expected a stale one: there is nothing to renew"
                ));
            }
            Stands::Fails => {
                return Err(format!("{name}: fails; expected a stale one: mend what it fails of"));
            }
            Stands::Misses(stale) => stale,
        };
        let renewed = self.nearby(saved, stale)?.ok_or_else(|| {
            format!(
                "{name}: nothing nearby gets where it was made for, and it is left as it is; expected to find some: \
                 make the old mistake again, play the seeds, and keep what they find; or remove the file"
            )
        })?;
        let is_same = |path: &Path| Saved::read(path).is_ok_and(|known| known == *saved);
        create_or_renew(path, is_same, |file| renewed.print(file))?;
        Ok(changes(&saved.schedule, &renewed.schedule))
    }

    /// Downhill: each step is the first nearby schedule that misses less.
    fn nearby(&self, saved: &Saved, mut misses: usize) -> Result<Option<Saved>, String> {
        let mut best = saved.clone();
        while misses > 0 {
            let mut closer = None;
            for schedule in neighbours(&best.schedule) {
                let candidate = Saved { schedule, ..best.clone() };
                let now = match self.missed(&candidate)? {
                    Stands::There => 0,
                    Stands::Misses(now) => now,
                    Stands::Fails => continue,
                };
                if now < misses {
                    closer = Some((candidate, now));
                    break;
                }
            }
            match closer {
                Some(closer) => (best, misses) = closer,
                None => return Ok(None),
            }
        }
        Ok(Some(best))
    }

    fn missed(&self, saved: &Saved) -> Result<Stands, String> {
        let keep = Keep { history: true, ..Keep::default() };
        let schedule = Arc::new(saved.schedule.clone());
        let outcome = play_alone(&self.subject, &schedule, keep, self.hang_timeout);
        let outcome = outcome.map_err(|error| error.to_string())?;
        Ok(match came(saved, &outcome) {
            Came::Mended => Stands::There,
            Came::Failed => Stands::Fails,
            Came::Stale(missed) => Stands::Misses(missed.count()),
        })
    }
}

/// How a schedule stands to its place.
enum Stands {
    There,
    Misses(usize),
    Fails,
}

/// Each with one fault elsewhere.
fn neighbours(schedule: &Schedule) -> impl Iterator<Item = Schedule> {
    let all = schedule.faults.iter().enumerate();
    all.flat_map(move |(index, fault)| {
        moved(fault).into_iter().map(move |fault| {
            let mut near = schedule.clone();
            near.faults[index] = fault;
            near
        })
    })
    .filter(|near| near.check().is_ok())
}

/// The fault elsewhere, the nearest places first.
fn moved(fault: &Fault) -> Vec<Fault> {
    let with = |change: &dyn Fn(&mut Fault)| {
        let mut moved = fault.clone();
        change(&mut moved);
        moved
    };
    if let Some(time) = fault.time() {
        let times = EIGHTHS.map(|eighths| time * eighths / 8);
        return times.map(|other| with(&|fault| *time_mut(fault).expect("it has a time") = other)).into();
    }
    let Some(site) = fault.site() else { return Vec::new() };
    let (life, ordinal) = (site.life.0, site.ordinal);
    let around = ordinal.saturating_sub(BEFORE).max(1)..=ordinal.saturating_add(FURTHER);
    let mut ordinals: Vec<_> = around.filter(|near| *near != ordinal).collect();
    ordinals.sort_by_key(|near| near.abs_diff(ordinal));
    ordinals.extend(1..=FURTHER.min(ordinal.saturating_sub(BEFORE + 1)));
    let here = ordinals.into_iter().map(|near| (life, near));
    let other_lives = [life.saturating_add(1), life.saturating_sub(1).max(1)];
    let other_lives = other_lives.into_iter().filter(|near| *near != life);
    let there = other_lives.flat_map(|near| (1..=ordinal.min(FURTHER)).map(move |ordinal| (near, ordinal)));
    here.chain(there)
        .map(|(life, ordinal)| {
            with(&|fault| {
                let site = site_mut(fault).expect("it has a site");
                (site.life, site.ordinal) = (Life(life), ordinal);
            })
        })
        .collect()
}

fn changes(before: &Schedule, after: &Schedule) -> Vec<String> {
    let both = before.faults.iter().zip(&after.faults).filter(|(before, after)| before != after);
    both.map(|(before, after)| format!("{after}   (was: {before})")).collect()
}
