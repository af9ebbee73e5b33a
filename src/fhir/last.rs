//! The last observations of each kind: what `$lastn` groups by. R4 observation-operation-lastn.html.
//!
//! Two observations are of one kind if their codes have a coding in common, directly or by way of others: a local
//! code beside a LOINC code makes one kind of both. Those without a coding go by their text.

use std::collections::HashMap;

use serde::Deserialize;

use super::search::text::fold;

/// What the code of an observation says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes(Vec<String>);

#[derive(Deserialize)]
struct Observation {
    #[serde(default)]
    code: Concept,
}

#[derive(Default, Deserialize)]
struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Coding {
    system: Option<String>,
    code: Option<String>,
}

impl Codes {
    /// Those in the JSON text of an Observation; `None` if it is none.
    pub fn of(text: &[u8]) -> Option<Self> {
        let Observation { code } = serde_json::from_slice(text).ok()?;
        let codings = code.coding.into_iter().filter_map(|coding| {
            let code = coding.code?;
            Some(format!("{}|{code}", coding.system.unwrap_or_default()))
        });
        let codings: Vec<String> = codings.collect();
        let text = || code.text.map(|text| vec![format!("text {}", fold(&text))]).unwrap_or_default();
        Some(Self(if codings.is_empty() { text() } else { codings }))
    }
}

/// The places of the first `most` of each kind: kind by kind, the kind of the first observation first.
pub fn first_of_each(observations: &[Codes], most: usize) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..observations.len()).collect();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (place, codes) in observations.iter().enumerate() {
        for code in &codes.0 {
            let other = *known.entry(code).or_insert(place);
            let (one, other) = (root(&mut parents, place), root(&mut parents, other));
            // The one that came first stands for the kind.
            if let Some(parent) = parents.get_mut(one.max(other)) {
                *parent = one.min(other);
            }
        }
    }
    let mut kinds: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut index: HashMap<usize, usize> = HashMap::new();
    for place in 0..observations.len() {
        let kind = root(&mut parents, place);
        let at = *index.entry(kind).or_insert_with(|| {
            kinds.push((kind, Vec::new()));
            kinds.len() - 1
        });
        if let Some((_, places)) = kinds.get_mut(at).filter(|(_, places)| places.len() < most) {
            places.push(place);
        }
    }
    kinds.into_iter().flat_map(|(_, places)| places).collect()
}

fn root(parents: &mut [usize], mut place: usize) -> usize {
    while let Some(parent) = parents.get(place).copied().filter(|parent| *parent != place) {
        let above = parents.get(parent).copied().unwrap_or(parent);
        if let Some(slot) = parents.get_mut(place) {
            *slot = above;
        }
        place = above;
    }
    place
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(codes: &[&[&str]]) -> Vec<Codes> {
        codes.iter().map(|codes| Codes(codes.iter().map(|code| (*code).to_owned()).collect())).collect()
    }

    #[test]
    fn a_common_coding_makes_one_kind_also_by_way_of_others() {
        let observations = of(&[&["a"], &["b"], &["a", "b"], &["c"], &["c"], &[]]);
        assert_eq!(first_of_each(&observations, 1), [0, 3, 5]);
        assert_eq!(first_of_each(&observations, 2), [0, 1, 3, 4, 5]);
        assert_eq!(first_of_each(&observations, 9), [0, 1, 2, 3, 4, 5]);
        assert_eq!(first_of_each(&[], 1), [0; 0]);
    }

    #[test]
    fn codes_are_codings_or_else_the_text() {
        let codes = |text: &str| Codes::of(text.as_bytes()).map(|codes| codes.0);
        let both = r#"{"code":{"coding":[{"system":"s","code":"1"},{"code":"2"},{"display":"x"}],"text":"Pulse"}}"#;
        assert_eq!(codes(both), Some(vec!["s|1".into(), "|2".into()]));
        assert_eq!(codes(r#"{"code":{"text":"PULSE  rate"}}"#), Some(vec!["text pulse rate".into()]));
        assert_eq!((codes(r#"{"resourceType":"Observation"}"#), codes("[]x")), (Some(vec![]), None));
    }

    proptest! {
        #[test]
        fn no_kind_gives_more_than_asked_and_each_gives_one(
            codes in prop::collection::vec(prop::collection::vec("[a-e]", 0..3), 0..30), most in 1_usize..4,
        ) {
            let observations: Vec<Codes> = codes.into_iter().map(Codes).collect();
            let all = first_of_each(&observations, usize::MAX);
            prop_assert_eq!(all.len(), observations.len());
            let some = first_of_each(&observations, most);
            prop_assert!(some.iter().all(|place| all.contains(place)) && some.len() >= first_of_each(&observations, 1).len());
        }
    }
}
