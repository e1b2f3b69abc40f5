//! Objects as rows for people: what `kubectl get` shows. Titles and values are those of Kubernetes 1.36; the
//! descriptions of columns are left short, since nothing shows them.

mod age;
mod columns;
mod pods;
mod reading;
mod rows;
mod stored;

pub(crate) use columns::{cells, columns};
