//! The engine on the simulated cluster, over real HTTP, with repositories that the tests make with `git`.

mod apply;
mod away;
mod bad_input;
mod boats;
mod deletion;
mod differences;
mod disturbed;
mod ends;
mod git_server;
mod kill;
mod neighbours;
mod of_objects;
mod options;
mod outage;
mod places;
mod pruned;
mod random;
mod recorded;
mod rights;
mod rows;
mod servers;
mod sources;
mod told;
mod traces;
mod windows;
mod world;
