//! What a resource contains, and who in it points there. R4 references.html#contained, rules dom-2 to
//! dom-5 of domainresource.html and ref-1 of references.html.

use std::collections::{HashMap, HashSet};

use crate::fhir::Json;

/// One resource that can contain others, while it is looked at.
#[derive(Debug, Default)]
pub(super) struct Container<'a> {
    /// Id and type of what is contained, in order.
    contained: Vec<(Option<&'a str>, Option<&'a str>)>,
    /// The types by id; of an id that is there twice the first.
    types: HashMap<&'a str, &'a str>,
    /// Ids that some `#id` in the container names.
    used: HashSet<&'a str>,
    /// The contained resource that is looked at.
    pub(super) inside: Option<usize>,
    /// Contained resources that point to their container with `#`.
    pointing_out: HashSet<usize>,
}

impl<'a> Container<'a> {
    /// Of a resource.
    pub(super) fn new(resource: &'a Json) -> Self {
        let of = |item: &'a Json, key: &str| item.get(key).and_then(Json::as_str);
        let contained = resource.items("contained").iter().map(|item| (of(item, "id"), of(item, "resourceType")));
        let contained: Vec<_> = contained.collect();
        let mut types = HashMap::new();
        for (id, name) in &contained {
            if let Some(id) = id {
                types.entry(*id).or_insert(name.unwrap_or_default());
            }
        }
        Self { contained, types, ..Self::default() }
    }

    /// Takes note of a `#id`, without the `#`.
    pub(super) fn note(&mut self, id: &'a str) {
        if id.is_empty() {
            self.pointing_out.extend(self.inside);
        } else {
            self.used.insert(id);
        }
    }

    /// The type of the contained resource with this id. `None` if there is none such.
    pub(super) fn type_of(&self, id: &str) -> Option<&'a str> {
        self.types.get(id).copied()
    }

    /// Contained resources without an id of their own: which, and whether another has taken it.
    pub(super) fn without_id(&self) -> Vec<(usize, bool)> {
        let mut seen = HashSet::new();
        let ids = self.contained.iter().enumerate();
        ids.filter_map(|(at, (id, _))| match id {
            None => Some((at, false)),
            Some(id) => (!seen.insert(*id)).then_some((at, true)),
        })
        .collect()
    }

    /// dom-3: contained resources that nothing refers to and that do not refer to their container.
    pub(super) fn orphans(&self) -> Vec<usize> {
        let all = self.contained.iter().enumerate();
        all.filter(|(at, (id, _))| id.is_some_and(|id| !self.used.contains(id)) && !self.pointing_out.contains(at))
            .map(|(at, _)| at)
            .collect()
    }
}
