//! What a program is made of.

/// A statement, with the line it begins in.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Line, from 1.
    pub line: u32,
    /// What it does.
    pub what: What,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// `var a = 1, b;`
    Variables(Vec<(String, Option<Expression>)>),
    /// `function name(…) {…}`
    Function(Function),
    /// An expression for what it does.
    Expression(Expression),
    /// `{…}`
    Block(Vec<Statement>),
    /// `if (…) … else …`
    If(Expression, Box<Statement>, Option<Box<Statement>>),
    /// `while (…) …`, and `for (…; …; …) …` with what is done after each round.
    Loop { before: Option<Expression>, body: Box<Statement>, after: Option<Expression> },
    /// `return …;`
    Return(Option<Expression>),
    /// `break;`
    Break,
    /// `continue;`
    Continue,
}

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Empty where it has none.
    pub name: String,
    /// Names of its parameters.
    pub parameters: Vec<String>,
    /// What it does.
    pub body: Vec<Statement>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// `true` or `false`.
    Truth(bool),
    /// `null`
    Null,
    /// `undefined`
    Undefined,
    /// `[…]`
    Array(Vec<Expression>),
    /// `{a: …}`
    Object(Vec<(String, Expression)>),
    /// `function (…) {…}`
    Function(Function),
    /// Something that has a place.
    Place(Place),
    /// `f(…)`, `a.f(…)`
    Call(Box<Expression>, Vec<Expression>),
    /// `new F(…)`
    New(Box<Expression>, Vec<Expression>),
    /// `-a`, `!a`, `typeof a`
    Unary(Unary, Box<Expression>),
    /// `delete a.b`
    Delete(Place),
    /// `a + b`, `a && b`
    Binary(Binary, Box<Expression>, Box<Expression>),
    /// `a ? b : c`
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
    /// `a = b`, `a += b`
    Assign(Place, Option<Binary>, Box<Expression>),
    /// `a++`, `--a`: whether it counts up, and whether the value is that before.
    Step { place: Place, up: bool, before: bool },
}

/// Where a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A variable.
    Name(String),
    /// `a.b`, `a["b"]`
    Member(Box<Expression>, Box<Expression>),
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `-`
    Minus,
    /// `!`
    Not,
    /// `typeof`
    TypeOf,
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Binary {
    Or,
    And,
    Equal,
    NotEqual,
    Same,
    NotSame,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}
