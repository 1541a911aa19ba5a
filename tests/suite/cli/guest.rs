//! The request for a guest: refused values, and the folders of artifact globs.

use std::path::Path;

use globset::GlobBuilder;
use pikaci::guest::{Request, RequestError, encode_request, search_roots};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::guest::{PIECE, request};

#[test]
fn a_request_that_no_guest_can_receive_is_refused() {
    let refused = |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        encode_request(&request).unwrap_err()
    };
    assert!(matches!(refused(|r| r.steps[0].command.clear()), RequestError::NoCommand));
    assert!(matches!(refused(|r| r.steps[0].command.push("a\0b".into())), RequestError::Nul { .. }));
    assert!(matches!(refused(|r| r.workdir = "\0".into()), RequestError::Nul { .. }));
    assert!(matches!(refused(|r| r.shares[0].tag = "a,b".into()), RequestError::Tag(_)));
    assert!(matches!(refused(|r| r.artifacts.push("{".into())), RequestError::Pattern(_)));
    for name in ["", "1A", "A B", "A=B", "A;id", "É", "A\n", "pikaci_uid"] {
        let mut request = request();
        request.env.insert(name.into(), "1".into());
        assert!(matches!(encode_request(&request), Err(RequestError::EnvName(_))), "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_match_lies_below_a_search_root(
        globs in vec(vec(PIECE, 1..6), 1..4),
        paths in vec("(a|b|c|é)(/(a|b|c|é)){0,3}", 20),
    ) {
        let globs: Vec<String> = globs.iter().map(|pieces| pieces.concat()).collect();
        let roots = search_roots(&globs);
        for glob in &globs {
            let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() else { continue };
            for path in paths.iter().filter(|path| glob.compile_matcher().is_match(path)) {
                prop_assert!(roots.outer.iter().any(|root| Path::new(path).starts_with(root)), "{} of {:?}", path, roots);
            }
        }
    }
}
