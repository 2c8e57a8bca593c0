//! States and views in the form of the recordings.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use twophase::two_phase::{Begun, State, View};

use super::world::{ms, timestamp};

#[derive(Deserialize, Serialize)]
pub(super) struct StateForm {
    current: Option<BegunForm>,
    pending: Vec<BegunForm>,
    context: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct BegunForm {
    txn: String,
    start: i64,
}

/// The bytes of states that a schedule itself gives.
pub(super) fn encode_all(states: Vec<StateForm>) -> Vec<Vec<u8>> {
    let encode = |form: StateForm| State::from(form).encode().expect("texts and numbers can be serialised");
    states.into_iter().map(encode).collect()
}

/// States as read back from their bytes.
pub(super) fn states(snapshots: &[Vec<u8>]) -> Vec<StateForm> {
    let decode = |bytes: &Vec<u8>| State::decode(bytes).expect("a snapshot of this sink is one it can read");
    snapshots.iter().map(decode).map(StateForm::from).collect()
}

pub(super) fn view(view: &View<'_, String, String>) -> Value {
    let pending = view.pending.iter().map(|(checkpoint, begun)| {
        json!({"checkpoint": checkpoint.0, "txn": begun.handle, "start": ms(begun.start)})
    });
    json!({
        "current": view.current.cloned().map(BegunForm::from),
        "pending": pending.collect::<Vec<_>>(),
        "finished": view.finished,
        "context": view.context.map_or(json!({"unset": true}), |context| json!(context)),
    })
}

impl From<StateForm> for State<String, String> {
    fn from(form: StateForm) -> Self {
        State {
            current: form.current.map(Begun::from),
            pending: form.pending.into_iter().map(Begun::from).collect(),
            context: form.context,
        }
    }
}

impl From<State<String, String>> for StateForm {
    fn from(state: State<String, String>) -> Self {
        StateForm {
            current: state.current.map(BegunForm::from),
            pending: state.pending.into_iter().map(BegunForm::from).collect(),
            context: state.context,
        }
    }
}

impl From<BegunForm> for Begun<String> {
    fn from(form: BegunForm) -> Self {
        Begun { handle: form.txn, start: timestamp(form.start) }
    }
}

impl From<Begun<String>> for BegunForm {
    fn from(begun: Begun<String>) -> Self {
        BegunForm { txn: begun.handle, start: ms(begun.start) }
    }
}
