//! The task that reads one split ahead of its sink.

use super::intake::Item;
use crate::channel::{Closed, Receiver, Sender};
use crate::select::{Either, first};
use crate::{CheckpointId, Source, SourceOffset};

/// Reads until the sink's side of the queue is gone.
pub(super) async fn read<S: Source>(
    mut source: S,
    from: SourceOffset,
    mut barriers: Receiver<CheckpointId>,
    queue: Sender<Item>,
) {
    source.seek(from);
    // Closed is how a reader is told that its attempt is over.
    if let Ok(end) = read_records(&mut source, from, &mut barriers, &queue).await {
        let _ = pass_barriers(end, &mut barriers, &queue).await;
    }
}

/// Queues records, and each barrier behind the records that were read before it was asked for. Returns where
/// the split ends.
async fn read_records<S: Source>(
    source: &mut S,
    mut position: SourceOffset,
    barriers: &mut Receiver<CheckpointId>,
    queue: &Sender<Item>,
) -> Result<SourceOffset, Closed> {
    loop {
        match first(barriers.receive(), source.next()).await {
            Either::First(Some(id)) => queue.send(Item::Barrier(id, position)).await?,
            Either::First(None) => return Err(Closed),
            Either::Second(Ok(Some(record))) => {
                position = record.id.offset.next();
                queue.send(Item::Record(record)).await?;
            }
            Either::Second(Ok(None)) => {
                queue.send(Item::End).await?;
                return Ok(position);
            }
            Either::Second(Err(failure)) => {
                queue.send(Item::Failed(failure)).await?;
                return Err(Closed);
            }
        }
    }
}

/// Checkpoints go on while other splits are still read, so an ended one must still answer barriers.
async fn pass_barriers(
    position: SourceOffset,
    barriers: &mut Receiver<CheckpointId>,
    queue: &Sender<Item>,
) -> Result<(), Closed> {
    while let Some(id) = barriers.receive().await {
        queue.send(Item::Barrier(id, position)).await?;
    }
    Ok(())
}
