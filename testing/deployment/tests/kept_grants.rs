//! The list of grants that are kept for one release: `infra/kept-grants.toml`.

use deployment::{deployed_grants, grants, kept};

/// `1.10.2` as numbers, which compare as versions do.
fn version(text: &str) -> Vec<u64> {
    text.split('.').map(|part| part.parse().unwrap()).collect()
}

#[test]
fn a_kept_grant_is_in_the_template_and_goes_with_the_release_it_names() {
    let deployed = deployed_grants().unwrap();
    for kept in kept().unwrap() {
        let is_there = deployed.get(&kept.function).is_some_and(|grants| {
            grants
                .iter()
                .any(|grant| grant.actions.contains(&kept.action) && grant.partitions.contains(&kept.partition))
        });
        assert!(is_there, "{kept:?} is not in the template");
        let now = env!("CARGO_PKG_VERSION");
        assert!(version(now) < version(&kept.remove_in), "{kept:?} is to be removed in {now}");
    }
}

/// What is not on the list is held against what the functions do, by the test of the policies in `functions`.
#[test]
fn without_the_list_all_grants_are_needed() {
    if kept().unwrap().is_empty() {
        assert_eq!(grants().unwrap(), deployed_grants().unwrap());
    } else {
        assert_ne!(grants().unwrap(), deployed_grants().unwrap());
    }
}
