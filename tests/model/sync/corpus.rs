//! The random runs that all laws are held against, made once; how often they reach what is rare; the smallest case that
//! breaks a law.

use std::sync::OnceLock;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::case::{Case, case};
use super::driver::Run;
use super::laws::Law;
use super::mutants::Mutant;

/// How many cases there are.
pub(super) fn cases() -> usize {
    std::env::var("BOATHOOK_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256)
}

fn runner(seed: usize) -> TestRunner {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&(seed as u64).to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

pub(super) fn case_of(seed: usize) -> Case {
    case().new_tree(&mut runner(seed)).unwrap().current()
}

/// All cases with their runs.
pub(super) fn corpus() -> &'static [(Case, Run)] {
    static CORPUS: OnceLock<Vec<(Case, Run)>> = OnceLock::new();
    CORPUS.get_or_init(|| (0..cases()).map(case_of).map(|case| (case.clone(), case.run(None))).collect())
}

/// Holds a law against every run; on the first that breaks it, looks for the smallest case that does.
pub(super) fn hold(law: Law) {
    for (seed, (case, run)) in corpus().iter().enumerate() {
        if let Err(words) = law(case, run) {
            let (case, words) = smallest(seed, law, None).unwrap_or((case.clone(), words));
            let run = case.run(None);
            panic!("seed {seed}: {words}\n{case:#?}\n{}", super::steps::story(&run).join("\n"));
        }
    }
}

fn smallest(seed: usize, law: Law, mutant: Option<Mutant>) -> Option<(Case, String)> {
    let mut tree = case().new_tree(&mut runner(seed)).ok()?;
    let breaks = |case: &Case| law(case, &case.run(mutant)).err();
    let mut found = (tree.current(), breaks(&tree.current())?);
    for _ in 0..500 {
        if !tree.simplify() {
            break;
        }
        while breaks(&tree.current()).is_none() {
            if !tree.complicate() {
                return Some(found);
            }
        }
        found = (tree.current(), breaks(&tree.current())?);
    }
    Some(found)
}

/// The first seed at which a mutant breaks a law, and how.
pub(super) fn caught(mutant: Mutant, law: Law) -> Option<(usize, String)> {
    (0..cases().max(256)).find_map(|seed| {
        let case = case_of(seed);
        let run = case.run(Some(mutant));
        law(&case, &run).err().map(|words| (seed, words))
    })
}
