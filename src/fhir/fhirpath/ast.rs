//! What an expression is made of, and the functions that there are.

use crate::fhir::structure::TypeDef;

use super::decimal::Decimal;
use super::item::SystemType;
use super::quantity::Quantity;
use super::temporal::Temporal;

/// A part of an expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    Literal(Literal),
    /// `{}`
    Empty,
    /// `$this`
    This,
    /// `$index`
    Index,
    /// `$total`
    Total,
    Constant(Constant),
    /// Steps from a base: `base.a.b(c)[d]`. A name or function without a base has `$this` as base.
    Path {
        base: Box<Self>,
        steps: Vec<Step>,
    },
    /// `-operand`
    Negate(Box<Self>),
    /// `+operand`
    Positive(Box<Self>),
    /// Operators of one precedence, from left to right.
    Chain {
        first: Box<Self>,
        rest: Vec<Operation>,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A name at the start: an element, or the type of what the expression is asked of.
    First(Box<str>),
    /// `.name`
    Member(Box<str>),
    Call(Call),
    /// `[expression]`
    At(Expr),
}

#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) arguments: Vec<Expr>,
    /// The argument of `is`, `as` and `ofType`.
    pub(super) of_type: Option<TypeName>,
    /// The pattern of `matches` and its like if it is a literal.
    pub(super) pattern: Option<regex_lite::Regex>,
}

#[derive(Debug, Clone)]
pub(super) enum Operation {
    Binary(Operator, Expr),
    Is(TypeName),
    As(TypeName),
}

#[derive(Debug, Clone)]
pub(super) enum Literal {
    Boolean(bool),
    Integer(i64),
    Decimal(Decimal),
    String(Box<str>),
    Temporal(Temporal),
    Quantity(Quantity),
}

/// `%name`. FHIRPath 2.0.0 §Environment variables; R4 fhirpath.html#variables.
#[derive(Debug, Clone)]
pub(super) enum Constant {
    /// One that always has the same value.
    Text(Box<str>),
    Resource,
    RootResource,
    Context,
}

/// A type in `is`, `as` and `ofType`: without `FHIR.` or `System.` in front it may be both.
#[derive(Debug, Clone, Copy)]
pub(super) struct TypeName {
    pub(super) fhir: Option<&'static TypeDef>,
    pub(super) system: Option<SystemType>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Implies,
    Or,
    Xor,
    And,
    In,
    Contains,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Union,
    Plus,
    Minus,
    Concatenate,
    Times,
    Divide,
    WholeDivide,
    Modulo,
}

macro_rules! functions {
    ($($variant:ident $name:literal $least:literal $most:literal)*) => {
        /// The functions that there are.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Function {
            $(#[doc = $name] $variant,)*
        }

        impl Function {
            /// The function with this name.
            pub(super) fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Its name.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Least and greatest number of arguments.
            pub(super) fn arity(self) -> (usize, usize) {
                match self {
                    $(Self::$variant => ($least, $most),)*
                }
            }
        }
    };
}

functions! {
    Empty "empty" 0 0
    Exists "exists" 0 1
    All "all" 1 1
    AllTrue "allTrue" 0 0
    AnyTrue "anyTrue" 0 0
    AllFalse "allFalse" 0 0
    AnyFalse "anyFalse" 0 0
    SubsetOf "subsetOf" 1 1
    SupersetOf "supersetOf" 1 1
    Count "count" 0 0
    Distinct "distinct" 0 0
    IsDistinct "isDistinct" 0 0
    Where "where" 1 1
    Select "select" 1 1
    Repeat "repeat" 1 1
    OfType "ofType" 1 1
    Single "single" 0 0
    First "first" 0 0
    Last "last" 0 0
    Tail "tail" 0 0
    Skip "skip" 1 1
    Take "take" 1 1
    Intersect "intersect" 1 1
    Exclude "exclude" 1 1
    Union "union" 1 1
    Combine "combine" 1 1
    Iif "iif" 2 3
    ToBoolean "toBoolean" 0 0
    ConvertsToBoolean "convertsToBoolean" 0 0
    ToInteger "toInteger" 0 0
    ConvertsToInteger "convertsToInteger" 0 0
    ToDecimal "toDecimal" 0 0
    ConvertsToDecimal "convertsToDecimal" 0 0
    ToDate "toDate" 0 0
    ConvertsToDate "convertsToDate" 0 0
    ToDateTime "toDateTime" 0 0
    ConvertsToDateTime "convertsToDateTime" 0 0
    ToTime "toTime" 0 0
    ConvertsToTime "convertsToTime" 0 0
    ToQuantity "toQuantity" 0 1
    ConvertsToQuantity "convertsToQuantity" 0 1
    ToString "toString" 0 0
    ConvertsToString "convertsToString" 0 0
    IndexOf "indexOf" 1 1
    Substring "substring" 1 2
    StartsWith "startsWith" 1 1
    EndsWith "endsWith" 1 1
    Contains "contains" 1 1
    Upper "upper" 0 0
    Lower "lower" 0 0
    Replace "replace" 2 2
    Matches "matches" 1 1
    MatchesFull "matchesFull" 1 1
    ReplaceMatches "replaceMatches" 2 2
    Length "length" 0 0
    ToChars "toChars" 0 0
    Encode "encode" 1 1
    Decode "decode" 1 1
    Escape "escape" 1 1
    Unescape "unescape" 1 1
    Trim "trim" 0 0
    Split "split" 1 1
    Join "join" 0 1
    Abs "abs" 0 0
    Ceiling "ceiling" 0 0
    Exp "exp" 0 0
    Floor "floor" 0 0
    Ln "ln" 0 0
    Log "log" 1 1
    Power "power" 1 1
    Round "round" 0 1
    Sqrt "sqrt" 0 0
    Truncate "truncate" 0 0
    LowBoundary "lowBoundary" 0 1
    HighBoundary "highBoundary" 0 1
    Precision "precision" 0 0
    Comparable "comparable" 1 1
    Sort "sort" 0 8
    Children "children" 0 0
    Descendants "descendants" 0 0
    Trace "trace" 1 2
    Now "now" 0 0
    Today "today" 0 0
    TimeOfDay "timeOfDay" 0 0
    Aggregate "aggregate" 1 2
    Not "not" 0 0
    Is "is" 1 1
    As "as" 1 1
    Type "type" 0 0
    Extension "extension" 1 1
    HasValue "hasValue" 0 0
    GetValue "getValue" 0 0
    Resolve "resolve" 0 0
    HtmlChecks "htmlChecks" 0 0
    ConformsTo "conformsTo" 1 1
    MemberOf "memberOf" 1 1
}
