//! What becomes of restored state: first all that was promised is committed, then what was open is aborted.
//!
//! Every step here may happen again: a crash in the middle, or a later one before the next checkpoint
//! completes, restores the same state once more (V1-8). And nothing recovered becomes pending again: it is
//! finished now, or the restore fails (V1-7).

use super::{Begun, Participant, State, TwoPhase};
use crate::{Clock, Failure};

impl<P: Participant, C: Clock> TwoPhase<P, C> {
    /// Settles the states one by one; none of the second is touched before the first is done with (V1-5).
    /// Says whether any of them had a context.
    pub(super) async fn settle_all(
        &mut self,
        states: Vec<State<P::Handle, P::Context>>,
    ) -> Result<bool, Failure> {
        let mut any_context = false;
        for state in states {
            any_context |= state.context.is_some();
            self.settle(state).await?;
        }
        Ok(any_context)
    }

    async fn settle(&mut self, state: State<P::Handle, P::Context>) -> Result<(), Failure> {
        // Whichever state comes last decides, even if it has none and an earlier one had (V1-6).
        self.context = Some(state.context);
        let mut handled = Vec::with_capacity(state.pending.len() + 1);
        for promised in state.pending {
            self.recover_and_commit(&promised).await?;
            handled.push(promised.handle);
        }
        if let Some(open) = state.current {
            self.participant.recover_and_abort(&open.handle).await?;
            tracing::info!(transaction = %open.handle, "recovered transaction aborted");
            handled.push(open.handle);
        }
        match &mut self.context {
            Some(Some(context)) => self.participant.finish_recovering(context, &handled).await,
            _ => Ok(()),
        }
    }

    async fn recover_and_commit(&mut self, promised: &Begun<P::Handle>) -> Result<(), Failure> {
        self.warn_if_old(promised);
        match self.participant.recover_and_commit(&promised.handle).await {
            Ok(()) => {
                tracing::info!(transaction = %promised.handle, "recovered transaction committed");
                Ok(())
            }
            // The age is taken behind the attempt: it may have been the attempt that took so long (V1-22).
            Err(failure) if self.options.ignores(&failure, self.age(promised)) => {
                tracing::error!(
                    transaction = %promised.handle,
                    timeout_ms = self.options.transaction_timeout.as_millis() as u64,
                    error = failure.cause(),
                    "not committed and past its timeout: given up as asked for, its records may be lost"
                );
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }
}
