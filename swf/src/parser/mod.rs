//! Tokens into statements, by recursive descent. Here is where in the tokens it is; what they mean is in `statements`
//! and `expressions`.

mod expressions;
mod statements;

use crate::Wrong;
use crate::lexer::{Kind, Token};
use crate::syntax::Statement;

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::tokens;
    use crate::syntax::{Expression, Place, What};

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
