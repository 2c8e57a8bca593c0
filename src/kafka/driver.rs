//! Where the state machine meets the world: requests through the port, waits through the clock.

use std::pin::pin;
use std::sync::Arc;

use smallvec::smallvec;

use super::class::{Class, Kind, class};
use super::client::{Client, Turn};
use super::options::KafkaOptions;
use super::port::{Port, Unanswered};
use super::protocol::{CoordinatorState, Description, ErrorCode, Listing, Request, Response};
use super::task::Task;
use super::trouble::{Patience, Trouble};
use crate::out_of_line::out_of_line;
use crate::{Clock, TransactionalId};

/// A port, a clock, and how patient to be with them.
#[derive(Debug)]
pub(super) struct Driver<P, C> {
    pub(super) port: P,
    pub(super) clock: C,
    pub(super) options: KafkaOptions,
}

impl<P: Port, C: Clock> Driver<P, C> {
    /// Does what the client wants until it wants nothing more. Of a transaction that is closed there is none.
    ///
    /// Records have it for failures of their own kind, so that it can be inlined where they pass; all else is in
    /// [`Trouble`].
    pub(super) async fn drive<E: From<Trouble>>(&self, client: Option<&mut Client>) -> Result<(), E> {
        let client = client.ok_or(Trouble::Closed)?;
        loop {
            match client.turn()? {
                Turn::Idle => return Ok(()),
                Turn::BackOff => out_of_line(pin!(self.clock.sleep(self.options.retry_backoff))).await,
                Turn::Send(request) => {
                    let answer = pin!(self.port.call(request)).await;
                    match &answer {
                        Ok(response) => client.answered(response)?,
                        Err(Unanswered) => client.unanswered()?,
                    }
                }
            }
            if !client.is_busy() {
                return Ok(()); // as after nearly every request
            }
        }
    }

    /// The ids whose coordinator is in this state.
    pub(super) async fn list(
        &self,
        state: CoordinatorState,
        place: &mut Task,
    ) -> Result<Vec<Listing>, Trouble> {
        let kind = Kind::ListTransactions;
        let request = place.put(Request::ListTransactions { states: smallvec![state] });
        let answer = self.ask(kind, request, |response| match response {
            Response::ListTransactions(answer) => Some(answer),
            _ => None,
        });
        answer.await?.map_err(|code| Trouble::Refused { kind, code })
    }

    /// The state of one id; `None` if its coordinator does not know it.
    pub(super) async fn describe(
        &self,
        id: &TransactionalId,
        place: &mut Task,
    ) -> Result<Option<Description>, Trouble> {
        let kind = Kind::DescribeTransaction;
        let request = place.put(Request::DescribeTransaction(id.clone()));
        let answer = self.ask(kind, request, |response| match response {
            Response::DescribeTransaction(answer) => Some(answer),
            _ => None,
        });
        match answer.await? {
            Ok(found) => Ok(Some(*found)),
            Err(code) if class(kind, code) == Class::Gone => Ok(None),
            Err(code) => Err(Trouble::Refused { kind, code }),
        }
    }

    /// Asks until there is an answer that is more than "not now". For requests that change nothing.
    async fn ask<T>(
        &self,
        kind: Kind,
        request: &Arc<Request>,
        read: impl Fn(Response) -> Option<Result<T, ErrorCode>> + Send,
    ) -> Result<Result<T, ErrorCode>, Trouble> {
        let mut patience = Patience::new(self.options.attempts, self.options.refusals);
        loop {
            let Ok(response) = self.port.call(request).await else {
                patience.unanswered(kind)?;
                continue;
            };
            match read(response).ok_or(Trouble::Mismatched { kind })? {
                Err(code) if class(kind, code) == Class::Retry => {
                    patience.refused(kind, code)?;
                    self.clock.sleep(self.options.retry_backoff).await;
                }
                answer => return Ok(answer),
            }
        }
    }
}
