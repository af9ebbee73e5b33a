//! SMART App Launch 2 scopes, as far as they can narrow a token here. Reading is strict and ASCII only:
//! what is not exactly a scope that we can hold to grants nothing, it never degrades into a wider one.

use std::fmt;

/// What an interaction does to a resource. SMART 2 §scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// `c`
    Create,
    /// `r`: read and vread.
    Read,
    /// `u`
    Update,
    /// `d`
    Delete,
    /// `s`: search and history of a type.
    Search,
}

/// Whose data a scope speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// `patient/`: one patient's. No token of this form has a patient context, so it grants nothing.
    Patient,
    /// `user/`: what the user may see.
    User,
    /// `system/`: what the client may see without a user.
    System,
}

/// One scope: `user/DiagnosticReport.rs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    context: Context,
    /// `None` is the wildcard.
    resource_type: Option<Box<str>>,
    permissions: Permissions,
}

/// The scopes of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Option<Vec<Scope>>);

impl Scopes {
    /// Whether it narrows a token so far that nothing is left.
    pub fn grants_nothing(&self) -> bool {
        self.0.as_ref().is_some_and(Vec::is_empty)
    }
}

/// What a scope would have to grant: the `scope` attribute of an `insufficient_scope` answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededScope {
    /// `user/` or `system/`.
    pub context: Context,
    /// FHIR resource type; `*` where only the wildcard will do.
    pub resource_type: Box<str>,
    /// What is done to it.
    pub permission: Permission,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Permissions(u8);

impl Permission {
    const ORDER: [Self; 5] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Search];

    /// The letter in a scope.
    pub fn letter(self) -> char {
        match self {
            Self::Create => 'c',
            Self::Read => 'r',
            Self::Update => 'u',
            Self::Delete => 'd',
            Self::Search => 's',
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Create => 1,
            Self::Read => 2,
            Self::Update => 4,
            Self::Delete => 8,
            Self::Search => 16,
        }
    }
}

impl Context {
    /// The text before the solidus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

impl Permissions {
    /// A non-empty subset of `cruds` in that order, or one of the older `read`, `write`, `*`.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "" => return None,
            "read" => return Some(Self(Permission::Read.bit() | Permission::Search.bit())),
            "write" => {
                return Some(Self(Permission::Create.bit() | Permission::Update.bit() | Permission::Delete.bit()));
            }
            "*" => return Some(Self(31)),
            _ => {}
        }
        let mut letters = text.chars().peekable();
        let mut bits = 0;
        for permission in Permission::ORDER {
            if letters.next_if_eq(&permission.letter()).is_some() {
                bits |= permission.bit();
            }
        }
        letters.next().is_none().then_some(Self(bits))
    }
}

impl Scope {
    /// Parses one scope. `None` for what is not a scope on resources, and for a scope with a search part
    /// (`?category=…`): rows cannot be held to it yet, so it must not count as the unconstrained one.
    pub fn parse(text: &str) -> Option<Self> {
        let (context, rest) = text.split_once('/')?;
        let context = match context {
            "patient" => Context::Patient,
            "user" => Context::User,
            "system" => Context::System,
            _ => return None,
        };
        let (resource_type, permissions) = rest.split_once('.')?;
        let resource_type = match resource_type {
            "*" => None,
            name if is_type_name(name) => Some(name.into()),
            _ => return None,
        };
        Some(Self { context, resource_type, permissions: Permissions::parse(permissions)? })
    }

    /// Whether it grants `needed`. The wildcard leaves out what only those who run the gateway need.
    pub fn covers(&self, needed: &NeededScope) -> bool {
        let of_type = match &self.resource_type {
            Some(name) => *name == needed.resource_type,
            None => !BEYOND_WILDCARD.contains(&&*needed.resource_type),
        };
        let in_context = self.context == needed.context && self.context != Context::Patient;
        in_context && of_type && self.permissions.0 & needed.permission.bit() != 0
    }
}

impl Scopes {
    /// A token without a scope claim: its roles alone say what it may do.
    pub fn unrestricted() -> Self {
        Self(None)
    }

    /// The scope claim of a token, RFC 6749 §3.3. Scopes that grant nothing here are left out, but the
    /// token stays narrowed: a claim of which nothing is left allows nothing.
    pub fn parse(claim: &str) -> Self {
        Self(Some(claim.split(' ').filter_map(Scope::parse).collect()))
    }

    /// The claim that [`Scopes::parse`] makes the same scopes of; `None` for a token that is not narrowed.
    pub fn to_claim(&self) -> Option<String> {
        let scopes = self.0.as_ref()?;
        Some(scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" "))
    }

    /// Whether the token is narrowed at all.
    pub fn is_restricted(&self) -> bool {
        self.0.is_some()
    }

    /// Whose token they narrow: a client's own, which acts alone, or a user's. `None` where they are of both, so that
    /// some would grant nothing.
    pub fn are_of_client(&self) -> Option<bool> {
        let scopes = self.0.as_deref().unwrap_or_default();
        let alone = scopes.iter().filter(|scope| scope.context == Context::System).count();
        (alone == 0 || alone == scopes.len()).then_some(alone > 0)
    }

    /// Whether they leave `needed` to the token.
    pub fn cover(&self, needed: &NeededScope) -> bool {
        self.0.as_ref().is_none_or(|scopes| scopes.iter().any(|scope| scope.covers(needed)))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.", self.context.as_str(), self.resource_type.as_deref().unwrap_or("*"))?;
        for permission in Permission::ORDER {
            if self.permissions.0 & permission.bit() != 0 {
                write!(f, "{}", permission.letter())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for NeededScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.{}", self.context.as_str(), self.resource_type, self.permission.letter())
    }
}

/// The form that names of resource types have; one that does not exist covers no operation.
fn is_type_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Types that `*` leaves out: they show or change how the gateway is run and watched.
const BEYOND_WILDCARD: [&str; 4] = ["AuditEvent", "Endpoint", "MeasureReport", "Subscription"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn needed(context: Context, resource_type: &str, permission: Permission) -> NeededScope {
        NeededScope { context, resource_type: resource_type.into(), permission }
    }

    #[test]
    fn a_token_is_a_users_or_a_clients_own() {
        let whose = |claim| Scopes::parse(claim).are_of_client();
        assert_eq!(whose("system/*.cruds system/Patient.rs"), Some(true));
        assert_eq!(whose("user/*.cruds openid"), Some(false));
        assert_eq!(whose("user/*.cruds system/Patient.rs"), None);
        assert_eq!(Scopes::unrestricted().are_of_client(), Some(false));
    }

    #[test]
    fn spellings_that_are_not_scopes_grant_nothing() {
        for bad in [
            "user/DiagnosticReport.sr",
            "user/DiagnosticReport.rr",
            "user/DiagnosticReport.",
            "user/DiagnosticReport",
            "user/DiagnosticReport.rsx",
            "user/DiagnosticReport.RS",
            "User/DiagnosticReport.rs",
            "user/diagnosticReport.rs",
            "user/DiagnosticReport.rs?category=LAB",
            "user/DiagnosticReport.read?category=LAB",
            "user/Diagnostic%52eport.rs",
            "patient/%2A.rs",
            "user/*.rs ",
            "user//*.rs",
            "user/**.rs",
            "user/∗.rs",
            "uѕer/*.rs",
            "user/*.ｒｓ",
            "*",
            "*/*.*",
            "openid",
            "launch/patient",
            "http://smarthealthit.org/fhir/scopes/user/*.rs",
            "",
        ] {
            assert_eq!(Scope::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn older_spellings_mean_the_same() {
        let shown = |text: &str| Scope::parse(text).map(|scope| scope.to_string());
        assert_eq!(shown("user/Patient.read").as_deref(), Some("user/Patient.rs"));
        assert_eq!(shown("user/Patient.write").as_deref(), Some("user/Patient.cud"));
        assert_eq!(shown("system/*.*").as_deref(), Some("system/*.cruds"));
    }

    #[test]
    fn a_scope_covers_its_context_type_and_permission_only() {
        let scopes = Scopes::parse("openid user/DiagnosticReport.rs user/Task.r");
        assert!(scopes.cover(&needed(Context::User, "DiagnosticReport", Permission::Read)));
        assert!(!scopes.cover(&needed(Context::User, "DiagnosticReport", Permission::Update)));
        assert!(!scopes.cover(&needed(Context::System, "DiagnosticReport", Permission::Read)));
        assert!(!scopes.cover(&needed(Context::User, "Patient", Permission::Read)));
    }

    #[test]
    fn the_wildcard_leaves_out_what_runs_the_gateway() {
        let all = Scopes::parse("system/*.cruds");
        assert!(all.cover(&needed(Context::System, "DiagnosticReport", Permission::Delete)));
        assert!(!all.cover(&needed(Context::System, "AuditEvent", Permission::Read)));
        let named = Scopes::parse("system/AuditEvent.r");
        assert!(named.cover(&needed(Context::System, "AuditEvent", Permission::Read)));
    }

    #[test]
    fn a_claim_of_which_nothing_is_left_allows_nothing() {
        let read = needed(Context::User, "DiagnosticReport", Permission::Read);
        for claim in ["", "openid fhirUser", "patient/*.cruds", "user/DiagnosticReport.sr"] {
            assert!(!Scopes::parse(claim).cover(&read), "{claim:?}");
        }
        assert!(Scopes::unrestricted().cover(&read));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic_and_what_is_taken_is_ascii(text in "\\PC{0,40}") {
            if let Some(scope) = Scope::parse(&text) {
                prop_assert!(text.is_ascii());
                prop_assert_eq!(Scope::parse(&scope.to_string()), Some(scope));
            }
        }

        #[test]
        fn near_scopes_are_read_without_panic(text in "(user|system|patient)[/.](\\*|[A-Z][a-z]{0,8})[./][cruds*?]{0,6}") {
            if let Some(scope) = Scope::parse(&text) {
                prop_assert_eq!(Scope::parse(&scope.to_string()), Some(scope));
            }
        }
    }
}
