//! Tokens into statements: by recursive descent, with one function for each precedence of operators below.

use crate::Wrong;
use crate::lexer::{Kind, Token};
use crate::syntax::{Binary, Expression, Function, Place, Statement, Unary, What};

/// Nesting that a source may have, so that none overflows the stack.
const DEEPEST: u32 = 100;

/// Reads a program.
///
/// # Errors
/// At the first token that does not fit.
pub fn parse(tokens: Vec<Token>) -> Result<Vec<Statement>, Wrong> {
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let mut statements = Vec::new();
    while parser.peek().kind != Kind::End {
        statements.push(parser.statement()?);
    }
    Ok(statements)
}

const RESERVED: [&str; 18] = [
    "var",
    "function",
    "if",
    "else",
    "while",
    "for",
    "return",
    "break",
    "continue",
    "new",
    "typeof",
    "delete",
    "true",
    "false",
    "null",
    "undefined",
    "in",
    "do",
];

/// Operators, the loosest first.
const LEVELS: [&[(&str, Binary)]; 6] = [
    &[("||", Binary::Or)],
    &[("&&", Binary::And)],
    &[("===", Binary::Same), ("!==", Binary::NotSame), ("==", Binary::Equal), ("!=", Binary::NotEqual)],
    &[
        ("<=", Binary::LessOrEqual),
        (">=", Binary::GreaterOrEqual),
        ("<", Binary::Less),
        (">", Binary::Greater),
    ],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Remainder)],
];

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
}

impl Parser {
    /// The last one is the end, and is never passed.
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn line(&self) -> u32 {
        self.peek().line
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn is(&self, sign: &str) -> bool {
        match &self.peek().kind {
            Kind::Sign(found) => *found == sign,
            Kind::Name(found) => found == sign,
            _ => false,
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = self.is(sign);
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &str) -> Result<(), Wrong> {
        if self.take(sign) { Ok(()) } else { Err(self.unexpected(&format!("\"{sign}\""))) }
    }

    fn unexpected(&self, expected: &str) -> Wrong {
        let found = match &self.peek().kind {
            Kind::Name(name) => format!("\"{name}\""),
            Kind::Number(number) => number.to_string(),
            Kind::Text(text) => format!("the string {text:?}"),
            Kind::Sign(sign) => format!("\"{sign}\""),
            Kind::End => "the end".to_owned(),
        };
        Wrong::new(self.line(), format!("{found} stands where {expected} was expected"))
    }

    fn name(&mut self) -> Result<String, Wrong> {
        match &self.peek().kind {
            Kind::Name(name) if !RESERVED.contains(&name.as_str()) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Wrong::new(self.line(), format!("this is nested more than {DEEPEST} times")));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn statement(&mut self) -> Result<Statement, Wrong> {
        self.deeper(|this| {
            let line = this.line();
            Ok(Statement { line, what: this.what()? })
        })
    }

    fn boxed(&mut self) -> Result<Box<Statement>, Wrong> {
        Ok(Box::new(self.statement()?))
    }

    fn what(&mut self) -> Result<What, Wrong> {
        if self.is("{") {
            return Ok(What::Block(self.block()?));
        }
        if self.take("var") {
            let variables = self.variables()?;
            self.expect(";")?;
            return Ok(What::Variables(variables));
        }
        if self.take("function") {
            let name = self.name()?;
            return Ok(What::Function(self.function(name)?));
        }
        if self.take("if") {
            let condition = self.in_parentheses()?;
            let then = self.boxed()?;
            let otherwise = if self.take("else") { Some(self.boxed()?) } else { None };
            return Ok(What::If(condition, then, otherwise));
        }
        if self.take("while") {
            let before = Some(self.in_parentheses()?);
            return Ok(What::Loop { before, body: self.boxed()?, after: None });
        }
        if self.take("for") {
            return self.for_loop();
        }
        let what = if self.take("return") {
            What::Return(if self.is(";") { None } else { Some(self.expression()?) })
        } else if self.take("break") {
            What::Break
        } else if self.take("continue") {
            What::Continue
        } else {
            What::Expression(self.expression()?)
        };
        self.expect(";")?;
        Ok(what)
    }

    fn block(&mut self) -> Result<Vec<Statement>, Wrong> {
        self.expect("{")?;
        let mut statements = Vec::new();
        while !self.take("}") {
            if self.peek().kind == Kind::End {
                return Err(self.unexpected("\"}\""));
            }
            statements.push(self.statement()?);
        }
        Ok(statements)
    }

    fn variables(&mut self) -> Result<Vec<(String, Option<Expression>)>, Wrong> {
        let mut variables = Vec::new();
        loop {
            let name = self.name()?;
            variables.push((name, if self.take("=") { Some(self.assignment()?) } else { None }));
            if !self.take(",") {
                return Ok(variables);
            }
        }
    }

    fn in_parentheses(&mut self) -> Result<Expression, Wrong> {
        self.expect("(")?;
        let expression = self.expression()?;
        self.expect(")")?;
        Ok(expression)
    }

    /// What stands before the first `;` becomes a statement before the loop.
    fn for_loop(&mut self) -> Result<What, Wrong> {
        let line = self.line();
        self.expect("(")?;
        let first = if self.take("var") {
            Some(What::Variables(self.variables()?))
        } else if self.is(";") {
            None
        } else {
            Some(What::Expression(self.expression()?))
        };
        self.expect(";")?;
        let before = if self.is(";") { None } else { Some(self.expression()?) };
        self.expect(";")?;
        let after = if self.is(")") { None } else { Some(self.expression()?) };
        self.expect(")")?;
        let around = What::Loop { before, body: self.boxed()?, after };
        let statements = first.into_iter().chain([around]).map(|what| Statement { line, what });
        Ok(What::Block(statements.collect()))
    }

    fn function(&mut self, name: String) -> Result<Function, Wrong> {
        self.expect("(")?;
        let mut parameters = Vec::new();
        while !self.take(")") {
            if !parameters.is_empty() {
                self.expect(",")?;
            }
            parameters.push(self.name()?);
        }
        Ok(Function { name, parameters, body: self.block()? })
    }

    fn expression(&mut self) -> Result<Expression, Wrong> {
        self.assignment()
    }

    fn assignment(&mut self) -> Result<Expression, Wrong> {
        self.deeper(Self::assignment_or_less)
    }

    fn assignment_or_less(&mut self) -> Result<Expression, Wrong> {
        let line = self.line();
        let left = self.binary(0)?;
        if self.take("?") {
            let then = self.assignment()?;
            self.expect(":")?;
            let otherwise = self.assignment()?;
            return Ok(Expression::Choice(left.into(), then.into(), otherwise.into()));
        }
        let operators = [
            ("=", None),
            ("+=", Some(Binary::Add)),
            ("-=", Some(Binary::Subtract)),
            ("*=", Some(Binary::Multiply)),
            ("/=", Some(Binary::Divide)),
            ("%=", Some(Binary::Remainder)),
        ];
        for (sign, operator) in operators {
            if self.take(sign) {
                let place = place(left, line)?;
                return Ok(Expression::Assign(place, operator, self.assignment()?.into()));
            }
        }
        Ok(left)
    }

    fn binary(&mut self, level: usize) -> Result<Expression, Wrong> {
        let Some(operators) = LEVELS.get(level) else { return self.deeper(Self::unary) };
        let mut left = self.binary(level + 1)?;
        while let Some((sign, operator)) = operators.iter().find(|(sign, _)| self.is(sign)) {
            self.expect(sign)?;
            left = Expression::Binary(*operator, left.into(), self.binary(level + 1)?.into());
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, Wrong> {
        let line = self.line();
        for (sign, operator) in [("-", Unary::Minus), ("!", Unary::Not), ("typeof", Unary::TypeOf)] {
            if self.take(sign) {
                let operand = self.deeper(Self::unary)?;
                return Ok(match (operator, operand) {
                    (Unary::Minus, Expression::Number(number)) => Expression::Number(-number),
                    (operator, operand) => Expression::Unary(operator, operand.into()),
                });
            }
        }
        if self.take("delete") {
            let place = place(self.deeper(Self::unary)?, line)?;
            return Ok(Expression::Delete(place));
        }
        for (sign, up) in [("++", true), ("--", false)] {
            if self.take(sign) {
                let place = place(self.deeper(Self::unary)?, line)?;
                return Ok(Expression::Step { place, up, before: false });
            }
        }
        let operand = self.postfix()?;
        for (sign, up) in [("++", true), ("--", false)] {
            if self.take(sign) {
                return Ok(Expression::Step { place: place(operand, line)?, up, before: true });
            }
        }
        Ok(operand)
    }

    fn postfix(&mut self) -> Result<Expression, Wrong> {
        let mut left = if self.take("new") { self.new_object()? } else { self.primary()? };
        loop {
            if self.take(".") {
                left = self.member(left)?;
            } else if self.take("[") {
                let index = self.expression()?;
                self.expect("]")?;
                left = Expression::Place(Place::Member(left.into(), index.into()));
            } else if self.is("(") {
                left = Expression::Call(left.into(), self.arguments()?);
            } else {
                return Ok(left);
            }
        }
    }

    /// Behind a dot every name is one, `delete` as well.
    fn member(&mut self, of: Expression) -> Result<Expression, Wrong> {
        match self.peek().kind.clone() {
            Kind::Name(name) => {
                self.at += 1;
                Ok(Expression::Place(Place::Member(of.into(), Expression::Text(name).into())))
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn new_object(&mut self) -> Result<Expression, Wrong> {
        let mut class = Expression::Place(Place::Name(self.name()?));
        while self.take(".") {
            class = self.member(class)?;
        }
        let arguments = if self.is("(") { self.arguments()? } else { Vec::new() };
        Ok(Expression::New(class.into(), arguments))
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, Wrong> {
        self.expect("(")?;
        self.list(")")
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expression>, Wrong> {
        let mut list = Vec::new();
        while !self.take(end) {
            if !list.is_empty() {
                self.expect(",")?;
            }
            list.push(self.assignment()?);
        }
        Ok(list)
    }

    fn primary(&mut self) -> Result<Expression, Wrong> {
        if self.is("(") {
            return self.in_parentheses();
        }
        if self.take("[") {
            return Ok(Expression::Array(self.list("]")?));
        }
        if self.take("{") {
            return self.object();
        }
        if self.take("function") {
            return Ok(Expression::Function(self.function(String::new())?));
        }
        for (word, value) in [
            ("true", Expression::Truth(true)),
            ("false", Expression::Truth(false)),
            ("null", Expression::Null),
            ("undefined", Expression::Undefined),
        ] {
            if self.take(word) {
                return Ok(value);
            }
        }
        match self.peek().kind.clone() {
            Kind::Number(number) => {
                self.next();
                Ok(Expression::Number(number))
            }
            Kind::Text(text) => {
                self.next();
                Ok(Expression::Text(text))
            }
            Kind::Name(_) => Ok(Expression::Place(Place::Name(self.name()?))),
            Kind::Sign(_) | Kind::End => Err(self.unexpected("a value")),
        }
    }

    fn object(&mut self) -> Result<Expression, Wrong> {
        let mut members = Vec::new();
        while !self.take("}") {
            if !members.is_empty() {
                self.expect(",")?;
            }
            let name = match self.next().kind {
                Kind::Name(name) | Kind::Text(name) => name,
                _ => {
                    self.at -= 1;
                    return Err(self.unexpected("a member's name"));
                }
            };
            self.expect(":")?;
            members.push((name, self.assignment()?));
        }
        Ok(Expression::Object(members))
    }
}

fn place(expression: Expression, line: u32) -> Result<Place, Wrong> {
    match expression {
        Expression::Place(place) => Ok(place),
        _ => Err(Wrong::new(line, "this has no place to be changed in")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;

    fn program(source: &str) -> Result<Vec<Statement>, Wrong> {
        parse(tokens(source).unwrap())
    }

    /// An expression with parentheses around everything.
    fn shown(expression: &Expression) -> String {
        let list = |list: &[Expression]| list.iter().map(shown).collect::<Vec<_>>().join(", ");
        let place = |place: &Place| match place {
            Place::Name(name) => name.clone(),
            Place::Member(of, name) => format!("{}[{}]", shown(of), shown(name)),
        };
        match expression {
            Expression::Number(number) => number.to_string(),
            Expression::Text(text) => format!("{text:?}"),
            Expression::Place(at) => place(at),
            Expression::Call(what, with) => format!("{}({})", shown(what), list(with)),
            Expression::New(what, with) => format!("new {}({})", shown(what), list(with)),
            Expression::Unary(operator, operand) => format!("({operator:?} {})", shown(operand)),
            Expression::Binary(operator, left, right) => {
                format!("({} {operator:?} {})", shown(left), shown(right))
            }
            Expression::Choice(a, b, c) => format!("({} ? {} : {})", shown(a), shown(b), shown(c)),
            Expression::Assign(at, operator, value) => {
                format!("({} {operator:?}= {})", place(at), shown(value))
            }
            other => format!("{other:?}"),
        }
    }

    fn expression(source: &str) -> String {
        match &program(&format!("{source};")).unwrap()[..] {
            [Statement { what: What::Expression(expression), .. }] => shown(expression),
            other => panic!("{source}: {other:?}"),
        }
    }

    #[test]
    fn operators_bind_as_in_ecmascript() {
        for (source, expected) in [
            ("a + b * c - d", "((a Add (b Multiply c)) Subtract d)"),
            ("a || b && c == d < e", "(a Or (b And (c Equal (d Less e))))"),
            ("!a.b && -c(1)", "((Not a[\"b\"]) And (Minus c(1)))"),
            ("a = b = c ? d : e", "(a None= (b None= (c ? d : e)))"),
            ("a.b[c + 1].d(1, 2).e", "a[\"b\"][(c Add 1)][\"d\"](1, 2)[\"e\"]"),
            ("new a.B(1).c()", "new a[\"B\"](1)[\"c\"]()"),
            ("a - -1", "(a Subtract -1)"),
            ("a += b * 2", "(a Some(Add)= (b Multiply 2))"),
        ] {
            assert_eq!(expression(source), expected, "{source}");
        }
    }

    #[test]
    fn a_for_loop_is_a_while_loop_with_an_end_of_rounds() {
        let program = program("for (var i = 0; i < 3; i++) f(i);").unwrap();
        let What::Block(parts) = &program[0].what else { panic!("{program:?}") };
        assert!(matches!(&parts[0].what, What::Variables(variables) if variables[0].0 == "i"));
        assert!(matches!(
            &parts[1].what,
            What::Loop { before: Some(_), after: Some(Expression::Step { .. }), .. }
        ));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (source, line, what) in [
            ("a\nb;", 2, "\"b\" stands where \";\" was expected"),
            ("var if;", 1, "\"if\" stands where a name was expected"),
            ("f(1", 1, "the end stands where \",\" was expected"),
            ("1 = 2;", 1, "no place to be changed in"),
            ("function f() {\n", 2, "the end stands where \"}\" was expected"),
            ("a.;", 1, "\";\" stands where a name was expected"),
            ("x = {1: 2};", 1, "1 stands where a member's name was expected"),
        ] {
            let wrong = program(source).unwrap_err();
            assert!(wrong.line == line && wrong.what.contains(what), "{source:?}: {wrong}");
        }
        let deep = format!("{}1;", "(".repeat(100_000));
        assert!(program(&deep).unwrap_err().what.contains("nested"));
    }
}
