//! What has a value: one function for each precedence of operators.

use super::Parser;
use crate::Wrong;
use crate::lexer::Kind;
use crate::syntax::{Binary, Expression, Place, Unary};

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

impl Parser {
    pub(super) fn expression(&mut self) -> Result<Expression, Wrong> {
        self.assignment()
    }

    pub(super) fn assignment(&mut self) -> Result<Expression, Wrong> {
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
