//! The form of a section. Name, type, default, bounds and description of a setting are written once,
//! in one place; the struct, the reader, `config show` and `docs/configuration.md` all come from it.

/// Declares a section:
///
/// ```text
/// section! {
///     /// What the section is about.
///     Http {
///         /// What the setting is for.
///         request_timeout: Duration = Duration::from_secs(30), within "1s", "1h";
///     }
/// }
/// ```
///
/// `within` gives bounds as they would be written; `shown` gives the default in words where it depends
/// on another setting. Sections inside a section stand behind `sections`.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $kind:ty = $default:expr $(, within $low:literal, $high:literal)? $(, shown $shown:literal)?;
            )+
        }
        $(sections {
            $(
                $(#[doc = $nested_doc:literal])+
                $nested:ident: $nested_kind:ty = $nested_default:expr;
            )+
        })?
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[doc = $doc])+ pub $field: $kind,)+
            $($($(#[doc = $nested_doc])+ pub $nested: $nested_kind,)+)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ $($($nested: $nested_default,)+)? }
            }
        }

        impl $name {
            /// The settings in the order of the reference. `prefix` is the section's name with a full
            /// stop behind it, or nothing.
            pub(in crate::config) fn entries(&mut self, prefix: &str) -> Vec<$crate::config::setting::Entry<'_>> {
                let about = concat!($($about),+);
                let mut entries = Vec::new();
                $(entries.extend([$crate::config::setting::Entry {
                    key: format!("{prefix}{}", stringify!($field)),
                    about,
                    doc: concat!($($doc),+),
                    shown: [$($shown,)? ""].first().copied().filter(|shown| !shown.is_empty()),
                    within: [$(($low, $high),)? ("", "")].first().copied().filter(|(low, _)| !low.is_empty()),
                    slot: &mut self.$field as &mut dyn $crate::config::setting::Slot,
                }]);)+
                $($(
                    let mut nested = self.$nested.entries(&format!("{prefix}{}.", stringify!($nested)));
                    for entry in &mut nested {
                        entry.about = concat!($($nested_doc),+);
                    }
                    entries.extend(nested);
                )+)?
                entries
            }
        }
    };
}

pub(super) use section;
