//! Scenario S1 as one would write it on madsim alone: a node for each process, its `Endpoint` network, requests
//! by rpc, orders and acknowledgements as datagrams, nodes killed and restarted.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::channel::oneshot;
use futures::{FutureExt, StreamExt, select_biased};
use madsim::net::{Endpoint, NetSim};
use madsim::rand::{Rng, thread_rng};
use madsim::runtime::{Handle, NodeHandle, Runtime};
use madsim::task::{self, NodeId};
use madsim::time::{TimeHandle, interval_at, sleep};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Played;
use crate::toy::{Ack, Ask, Broker, Checkpoints, Order, RECORDS, Reply, SINKS, Snapshot, Wish};

const BROKER: usize = 1;
const COORDINATOR: usize = 2;
const FIRST_SINK: usize = 3;
/// The tag of all datagrams.
const DATAGRAM: u64 = 7;

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn address(process: usize) -> SocketAddr {
    ([10, 0, 0, process as u8], 700).into()
}

async fn bind(process: usize) -> Endpoint {
    Endpoint::bind(address(process)).await.expect("each address is bound once")
}

impl madsim::net::rpc::Request for Ask {
    type Response = Reply;
    const ID: u64 = 1;
}

/// Plays the history of this seed.
pub(crate) fn play(seed: u64) -> Played {
    let mut config = madsim::Config::default();
    config.net.send_latency = millis(1)..millis(10);
    Runtime::with_seed_and_config(seed, config).block_on(history())
}

async fn history() -> Played {
    let (tell_done, done) = oneshot::channel();
    let (tell_crash, crashes) = unbounded();
    let checkpoints = Arc::new(Mutex::new(Checkpoints::default()));
    let broker = node(BROKER);
    broker.spawn(run_broker(tell_done));
    let sinks: Vec<NodeHandle> = (0..SINKS).map(|sink| sink_node(sink, &checkpoints)).collect();
    let sinks: Vec<NodeId> = sinks.iter().map(NodeHandle::id).collect();
    let coordinator = node(COORDINATOR);
    coordinator.spawn(run_coordinator(sinks.clone(), checkpoints, crashes));
    task::spawn(crash_one(sinks.clone(), tell_crash));

    let broker_at_end = done.await.expect("the broker outlives the job");
    broker_at_end.lock().expect("nobody panics").check();
    let played =
        Played { messages: NetSim::current().stat().msg_count, lasted: TimeHandle::current().elapsed() };
    // A runtime that is dropped leaks whatever still waits; killed nodes are freed when they are polled.
    for node in sinks.into_iter().chain([broker.id(), coordinator.id()]) {
        Handle::current().kill(node);
    }
    sleep(millis(1_000)).await;
    played
}

fn node(process: usize) -> NodeHandle {
    let ip = address(process).ip();
    Handle::current().create_node().name(format!("process-{process}")).ip(ip).build()
}

fn sink_node(sink: usize, checkpoints: &Arc<Mutex<Checkpoints>>) -> NodeHandle {
    let checkpoints = checkpoints.clone();
    let process = FIRST_SINK + sink;
    Handle::current()
        .create_node()
        .name(format!("process-{process}"))
        .ip(address(process).ip())
        .init(move || run_sink(sink, checkpoints.clone()))
        .build()
}

/// One sink dies; a little later the coordinator is told.
async fn crash_one(sinks: Vec<NodeId>, tell: UnboundedSender<()>) {
    let (after, who) = (thread_rng().gen_range(50_000..400_000), thread_rng().gen_range(0..SINKS));
    sleep(Duration::from_micros(after)).await;
    Handle::current().kill(sinks[who]);
    sleep(millis(20)).await;
    tell.unbounded_send(()).expect("the coordinator lives");
}

async fn run_broker(done: oneshot::Sender<Arc<Mutex<Broker>>>) {
    let endpoint = bind(BROKER).await;
    let broker = Arc::new(Mutex::new(Broker::default()));
    let mut done = Some(done);
    endpoint.add_rpc_handler(move |ask: Ask| {
        let mut state = broker.lock().expect("nobody panics");
        let reply = state.answer(ask);
        if state.has_all() {
            let _ = done.take().map(|done| done.send(broker.clone()));
        }
        async move { reply }
    });
    std::future::pending().await
}

/// Takes datagrams into a queue, so that the node can do something else meanwhile.
fn listen<T: DeserializeOwned + Send + 'static>(endpoint: &Endpoint) -> UnboundedReceiver<T> {
    let (queue, heard) = unbounded();
    let endpoint = endpoint.clone();
    task::spawn(async move {
        let mut buffer = [0; 256];
        while let Ok((length, _)) = endpoint.recv_from(DATAGRAM, &mut buffer).await {
            let message = postcard::from_bytes(&buffer[..length]).expect("only ours are sent");
            let _ = queue.unbounded_send(message);
        }
    });
    heard
}

async fn send(endpoint: &Endpoint, to: usize, message: &impl Serialize) {
    let bytes = postcard::to_stdvec(message).expect("a message can be written");
    endpoint.send_to(address(to), DATAGRAM, &bytes).await.expect("the network takes everything");
}

async fn run_coordinator(
    sinks: Vec<NodeId>,
    checkpoints: Arc<Mutex<Checkpoints>>,
    mut crashes: UnboundedReceiver<()>,
) {
    let endpoint = bind(COORDINATOR).await;
    let mut acks = listen::<Ack>(&endpoint);
    let mut ticks = interval_at(TimeHandle::current().now_instant() + millis(100), millis(100));
    let state = || checkpoints.lock().expect("nobody panics");
    loop {
        let order = select_biased! {
            _ = crashes.next() => {
                state().restart();
                restart(&sinks).await;
                continue;
            }
            ack = acks.next() => {
                if !state().ack(ack.expect("the listener lives")) {
                    continue;
                }
                let takes = thread_rng().gen_range(1_000..5_000);
                sleep(Duration::from_micros(takes)).await;
                Order::Complete(state().complete())
            }
            _ = ticks.tick().fuse() => match state().trigger() {
                Some(checkpoint) => Order::Trigger(checkpoint),
                None => continue,
            },
        };
        let attempt = state().attempt;
        for sink in 0..SINKS {
            let endpoint = endpoint.clone();
            task::spawn(async move { send(&endpoint, FIRST_SINK + sink, &(attempt, order)).await });
        }
    }
}

/// Kill first: a restart alone leaves sockets open. And to bind takes a moment, before which datagrams are lost.
async fn restart(sinks: &[NodeId]) {
    for &sink in sinks {
        Handle::current().kill(sink);
        Handle::current().restart(sink);
    }
    sleep(millis(2)).await;
}

/// A sink, from its restore on.
struct Sink {
    endpoint: Endpoint,
    orders: UnboundedReceiver<(u32, Order)>,
    sink: usize,
    attempt: u32,
    epoch: u32,
    open: usize,
    state: Snapshot,
}

async fn run_sink(sink: usize, checkpoints: Arc<Mutex<Checkpoints>>) {
    let (attempt, from) = {
        let checkpoints = checkpoints.lock().expect("nobody panics");
        (checkpoints.attempt, checkpoints.completed[sink].clone())
    };
    let endpoint = bind(FIRST_SINK + sink).await;
    let orders = listen(&endpoint);
    let state = Snapshot { position: from.position, pending: Vec::new() };
    let mut sink = Sink { endpoint, orders, sink, attempt, epoch: 0, open: 0, state };
    sink.restore(from).await;
    loop {
        match sink.next_order().await {
            Some(Order::Trigger(checkpoint)) => sink.snapshot(checkpoint).await,
            Some(Order::Complete(checkpoint)) => sink.commit_up_to(checkpoint).await,
            None => sink.append().await,
        }
    }
}

impl Sink {
    async fn ask(&self, what: Wish) -> Reply {
        let ask = Ask { sink: self.sink, epoch: self.epoch, what };
        let reply = self.endpoint.call(address(BROKER), ask).await.expect("the broker lives");
        assert_ne!(reply, Reply::Fenced, "who is alive is not fenced");
        reply
    }

    async fn restore(&mut self, from: Snapshot) {
        let Reply::Ready { epoch, prepared } = self.ask(Wish::Init).await else {
            panic!("init is answered as init");
        };
        self.epoch = epoch;
        for (_, which) in &from.pending {
            self.ask(Wish::Commit(*which)).await;
        }
        let is_promised = |which: &usize| from.pending.iter().any(|(_, promised)| promised == which);
        for which in prepared.into_iter().filter(|which| !is_promised(which)) {
            self.ask(Wish::Abort(which)).await;
        }
        self.begin().await;
    }

    async fn begin(&mut self) {
        let Reply::Begun(open) = self.ask(Wish::Begin).await else {
            panic!("begin is answered as begin");
        };
        self.open = open;
    }

    /// What there is to do before the next record, if there is one.
    async fn next_order(&mut self) -> Option<Order> {
        loop {
            let (attempt, order) = match self.orders.try_recv() {
                Ok(heard) => heard,
                Err(_) if self.state.position < RECORDS => return None,
                Err(_) => self.orders.next().await?,
            };
            if attempt == self.attempt {
                return Some(order);
            }
        }
    }

    async fn append(&mut self) {
        self.ask(Wish::Append(self.state.position)).await;
        self.state.position += 1;
    }

    async fn snapshot(&mut self, checkpoint: u32) {
        self.ask(Wish::Prepare(self.open)).await;
        self.state.pending.push((checkpoint, self.open));
        self.begin().await;
        let snapshot = self.state.clone();
        let ack = Ack { attempt: self.attempt, sink: self.sink, checkpoint, snapshot };
        send(&self.endpoint, COORDINATOR, &ack).await;
    }

    async fn commit_up_to(&mut self, checkpoint: u32) {
        while let Some(&(of, which)) = self.state.pending.first() {
            if of > checkpoint {
                return;
            }
            self.ask(Wish::Commit(which)).await;
            self.state.pending.remove(0);
        }
    }
}
