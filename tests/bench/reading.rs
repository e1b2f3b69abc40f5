//! How fast Applications and manifests are read, and what a list of Applications keeps in memory.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark ends by panicking and prints its figures")]

#[path = "../model/large.rs"]
mod large;

use boathook::domain::application::{AppSummary, Application};
use boathook::domain::manifest::read;
use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const APPLICATIONS: usize = 5_000;

fn main() {
    let json = large::application(7, 40);
    let compact = AppSummary::from_json("c", json.as_bytes()).unwrap();
    println!("an Application of {} bytes with 40 resources keeps {} bytes in a list", json.len(), compact.kept_bytes());
    divan::main();
}

fn applications() -> (Vec<String>, BytesCount) {
    let all: Vec<String> = (0..APPLICATIONS).map(|index| large::application(index, 40)).collect();
    let bytes = BytesCount::new(all.iter().map(String::len).sum::<usize>());
    (all, bytes)
}

/// Straight from the bytes; what is kept is `alloc` less `dealloc`.
#[divan::bench(sample_count = 10)]
fn applications_compact(bencher: Bencher) {
    let (all, bytes) = applications();
    bencher.counter(bytes).bench(|| -> Vec<AppSummary> {
        let mut list = Vec::with_capacity(all.len());
        list.extend(all.iter().map(|json| AppSummary::from_json("c", json.as_bytes()).unwrap()));
        list
    });
}

/// The full form of one, through a tree of JSON.
#[divan::bench(sample_count = 100)]
fn application_full(bencher: Bencher) {
    let json = large::application(7, 40);
    bencher.counter(BytesCount::new(json.len())).bench(|| {
        let value: Value = serde_json::from_str(&json).unwrap();
        Application::from_json("c", &value)
    });
}

#[divan::bench(sample_count = 10)]
fn manifests_yaml(bencher: Bencher) {
    let text = large::manifests(800);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let read = read("bench.yaml", text.as_bytes());
        assert!(read.errors.is_empty() && read.objects.len() == 800);
        read
    });
}

#[divan::bench(sample_count = 10)]
fn manifests_json(bencher: Bencher) {
    let objects = read("bench.yaml", large::manifests(800).as_bytes()).objects;
    let text: String = objects.into_iter().map(|manifest| manifest.object.into_json().to_string() + "\n").collect();
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let read = read("a stream of JSON", text.as_bytes());
        assert!(read.errors.is_empty() && read.objects.len() == 800);
        read
    });
}
