//! The one request that is under way or to be repeated, and the place that it has.

use std::sync::Arc;

use super::batches::Batch;
use super::protocol::Request;
use super::requests::Writer;

/// Room for one request.
///
/// What is done stays in its place, because nearly always the next request is another batch of the same writer: then only
/// what differs is written. Who has a request under way shares it; one that was answered is nobody else's any more.
#[derive(Debug)]
pub(super) struct Task {
    request: Option<Arc<Request>>,
    /// Whether nothing is to be sent.
    is_done: bool,
}

impl Task {
    pub(super) fn new(request: Option<Request>) -> Self {
        Task { is_done: request.is_none(), request: request.map(Arc::new) }
    }

    /// The request, if there is one to be sent.
    #[inline]
    pub(super) fn request(&self) -> Option<&Request> {
        self.shared().map(|request| &**request)
    }

    /// The same, to be sent: whoever has it under way shares it.
    #[inline]
    pub(super) fn shared(&self) -> Option<&Arc<Request>> {
        if self.is_done { None } else { self.request.as_ref() }
    }

    /// The next one is this, if there is one.
    pub(super) fn set(&mut self, request: Option<Request>) {
        match request {
            Some(request) => _ = self.put(request),
            None => self.done(),
        }
    }

    /// The next one is this, to be sent.
    pub(super) fn put(&mut self, request: Request) -> &Arc<Request> {
        self.is_done = false;
        match self.request.as_mut().and_then(Arc::get_mut) {
            Some(place) => *place = request,
            None => self.request = Some(Arc::new(request)),
        }
        self.request.as_ref().expect("it was just put there")
    }

    /// The next one is this batch.
    #[inline(always)]
    pub(super) fn produce(&mut self, writer: Writer<'_>, batch: Batch) {
        self.is_done = false;
        match self.request.as_mut().and_then(Arc::get_mut) {
            Some(Request::Produce(last)) if writer.has_written(last) => {
                last.partition = batch.partition;
                last.base_sequence = batch.base;
                last.records = batch.records;
            }
            _ => self.set(Some(writer.produce(batch))),
        }
    }

    /// Whether there is none to be sent.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    #[inline]
    pub(super) fn done(&mut self) {
        self.is_done = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::protocol::{Producer, ProducerEpoch, ProducerId, Protocol, Sequence};
    use crate::{Partition, Record, RecordId, SourceOffset, Split, TransactionalId};

    fn batch(number: u32) -> Batch {
        let id = RecordId { split: Split(0), offset: SourceOffset(number.into()) };
        let record = Record { id, payload: Default::default() };
        Batch { partition: Partition(number), base: Sequence(number as i32), records: record.into() }
    }

    #[test]
    fn a_batch_in_the_place_of_another_is_as_if_made_anew() {
        let id = TransactionalId::new("t0-i1-1");
        let mut task = Task::new(None);
        // the same producer again, a new epoch, the other protocol
        for (number, (epoch, protocol)) in
            [(0, Protocol::V1), (0, Protocol::V1), (1, Protocol::V1), (1, Protocol::V2)]
                .into_iter()
                .enumerate()
        {
            let producer = Producer { id: ProducerId(4), epoch: ProducerEpoch(epoch) };
            let writer = Writer { id: &id, producer, protocol };
            task.produce(writer, batch(number as u32));
            assert_eq!(task.request(), Some(&writer.produce(batch(number as u32))));
            task.done();
            assert_eq!(task.request(), None);
        }
    }
}
