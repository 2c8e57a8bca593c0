//! The standard job: this library's coordinator and workers around somebody's sink.

use std::fmt;
use std::sync::Arc;

use crate::coordinator::{self, Coordinator, Decide};
use crate::{BoxError, BoxFuture, Env, Job, Process, Role, Settings, Sink, worker};

/// A job that takes checkpoints with a [`Coordinator`] and runs one sink per worker, made by `F`.
pub struct StandardJob<F> {
    settings: Settings,
    make: Arc<F>,
    decider: Arc<MakeDecider>,
}

type MakeDecider = dyn Fn(&Settings, &Process) -> Box<dyn Decide> + Send + Sync;

impl<F> StandardJob<F> {
    /// A job with these settings, whose sinks `make` makes: one for each incarnation of each task, over the
    /// capabilities as that incarnation sees them.
    pub fn new(settings: Settings, make: F) -> Self {
        StandardJob {
            settings,
            make: Arc::new(make),
            decider: Arc::new(|settings, me| Box::new(Coordinator::new(settings, me))),
        }
    }

    /// Another coordinator: `decider` makes what decides in each life of the coordinator process.
    pub fn with_coordinator<D: Decide>(
        mut self,
        decider: impl Fn(&Settings, &Process) -> D + Send + Sync + 'static,
    ) -> Self {
        self.decider = Arc::new(move |settings, me| Box::new(decider(settings, me)));
        self
    }
}

impl<E, S, F> Job<E> for StandardJob<F>
where
    E: Env,
    S: Sink,
    F: Fn(E) -> S + Send + Sync + 'static,
{
    fn start(&self, env: E) -> BoxFuture<Result<(), BoxError>> {
        match env.me().role {
            Role::Coordinator => {
                let decider = (self.decider)(&self.settings, env.me());
                coordinator::run(env, decider)
            }
            Role::Sink => {
                let make = self.make.clone();
                worker::run(env, self.settings.clone(), move |env| make(env))
            }
        }
    }
}

impl<F> fmt::Debug for StandardJob<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut job = f.debug_struct("StandardJob");
        job.field("settings", &self.settings).finish_non_exhaustive()
    }
}
