//! What is done: blocks, conditions, loops, functions.

use super::Parser;
use crate::Wrong;
use crate::lexer::Kind;
use crate::syntax::{Expression, Function, Statement, What};

impl Parser {
    pub(super) fn statement(&mut self) -> Result<Statement, Wrong> {
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

    pub(super) fn in_parentheses(&mut self) -> Result<Expression, Wrong> {
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

    pub(super) fn function(&mut self, name: String) -> Result<Function, Wrong> {
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
}
