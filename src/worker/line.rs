//! What a worker process and its attempt have between them.

use std::borrow::Borrow;
use std::sync::Arc;

use super::attempt::{Command, News};
use crate::channel::Queue;
use crate::companion::Order;

/// What they say to each other, and the order to go: all of it in one piece, since it comes and goes with the attempt.
#[derive(Clone, Debug)]
pub(super) struct Line(Arc<Ways>);

#[derive(Debug)]
struct Ways {
    commands: Queue<Command>,
    news: Queue<News>,
    order: Order,
}

impl Line {
    pub(super) fn new() -> Self {
        let ways = Ways { commands: Queue::new(1), news: Queue::new(1), order: Order::default() };
        Line(Arc::new(ways))
    }
}

impl Borrow<Queue<Command>> for Line {
    fn borrow(&self) -> &Queue<Command> {
        &self.0.commands
    }
}

impl Borrow<Queue<News>> for Line {
    fn borrow(&self) -> &Queue<News> {
        &self.0.news
    }
}

impl Borrow<Order> for Line {
    fn borrow(&self) -> &Order {
        &self.0.order
    }
}
