//! Servers above servers: a root, one below it that is its replica, and a replica of that one.

mod deaths;
mod drivers;
mod faults;
mod following;
mod levels;
mod pull_through;
mod replicas;
