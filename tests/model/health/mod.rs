//! The health of objects as Argo CD judges it: tables kind by kind and status by status, and its own recordings.

mod built_in;
mod recorded;
mod rules;
mod scripts;
mod table;
