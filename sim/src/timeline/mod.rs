//! A history as a picture: a page for a browser, the same as text, and a trace for Perfetto.
//!
//! ```text
//!   History ─┐
//!   Schedule ┼─► Timeline ──┬─► page    one HTML file that needs nothing else
//!   Verdict ─┘   (model)    ├─► text    for a terminal
//!                           └─► chrome  for ui.perfetto.dev
//! ```
//!
//! The model is a plain value and decides all that is to be seen: which lanes there are, which transaction an
//! event belongs to, what befell a message, what is noise. Those who draw it only place it.
//!
//! - `model`: what there is to see; `of_history` puts it together from `about`, `lanes`, `steps`, `books` (bars and
//!   checkpoints), `arrows` and `way`
//! - `page`, with `page.html`, `page.css`, `model.js`, `draw.js` and `page.js`; `text`; `chrome`

mod about;
mod arrows;
mod books;
mod chrome;
mod lanes;
mod model;
mod of_history;
mod page;
mod steps;
mod text;
mod way;

pub use model::{
    About, Arrow, ArrowKind, Bar, CheckpointSpan, Fate, Lane, LaneKind, Outcome, Step, StepKind, Timeline,
};
pub use text::Look;
