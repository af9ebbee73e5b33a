//! Settings that are one word out of a few.

/// Declares an enum whose variants are words of the configuration.
macro_rules! choice {
    (
        $(#[doc = $about:literal])+
        $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+ }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl $name {
            /// All choices.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::config::setting::Setting for $name {
            fn shape() -> String {
                [$(concat!("`", $word, "`")),+].join(" or ")
            }

            fn read(given: &$crate::config::setting::Given<'_>) -> Result<Self, $crate::config::setting::Refusal> {
                let text = given.text()?;
                Self::ALL.iter().copied().find(|choice| choice.as_str() == text).ok_or_else(|| {
                    format!("must be {}", [$($word),+].join(" or ")).into()
                })
            }

            fn write(&self) -> Option<toml::Value> {
                Some(self.as_str().into())
            }
        }
    };
}

pub(in crate::config) use choice;
