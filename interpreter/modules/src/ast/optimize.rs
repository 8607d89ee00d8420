//! Trees as the optimiser leaves them: `__debug__` and formatting with `%` replaced, documentation left out.

use rspy_compiler::percent_format::{self, Piece};
use rspy_syntax::ast::{
    self, Constant, Expr, ExprContext, ExprKind, Mod, Name, Pattern, PatternKind, Span, Stmt, StmtKind, Text,
};

/// Optimises a tree in place for an optimisation level.
pub fn optimize(tree: &mut Mod, level: u8) {
    if level >= 2
        && let Mod::Module { body, .. } = tree
    {
        leave_out_docstring(body);
    }
    let skips_annotations = has_plain_annotations(tree);
    tree.walk(&mut Optimizer { level, skips_annotations });
}

struct Optimizer {
    level: u8,
    skips_annotations: bool,
}

impl Optimizer {
    fn expression(&mut self, expression: &mut Expr) {
        let replacement = match &mut expression.kind {
            ExprKind::Name { id, ctx: ExprContext::Load } if *id == "__debug__" => {
                let value = if self.level == 0 { Constant::True } else { Constant::False };
                Some(ExprKind::Constant { value, kind: None })
            }
            ExprKind::BinOp { left, op, right } => percent_format::split(left, *op, right)
                .map(|(pieces, values)| formatted(&pieces, values, left)),
            _ => None,
        };
        if let Some(kind) = replacement {
            expression.kind = kind;
        }
    }

    fn statement(&mut self, statement: &mut Stmt) {
        if self.level < 2 {
            return;
        }
        match &mut statement.kind {
            StmtKind::FunctionDef { body, .. }
            | StmtKind::AsyncFunctionDef { body, .. }
            | StmtKind::ClassDef { body, .. } => leave_out_docstring(body),
            _ => {}
        }
    }

    /// Literals of more than one token become constants.
    fn pattern(&mut self, pattern: &mut Pattern) {
        match &mut pattern.kind {
            PatternKind::MatchValue { value } => fold_number(value),
            PatternKind::MatchMapping { keys, .. } => keys.iter_mut().for_each(fold_number),
            _ => {}
        }
    }
}

/// Removes the string a body starts with; a body is never left empty.
fn leave_out_docstring(body: &mut Vec<Stmt>) {
    let Some(Stmt { span, kind: StmtKind::Expr { value } }) = body.first() else { return };
    if !matches!(value.kind, ExprKind::Constant { value: Constant::Str(_), .. }) {
        return;
    }
    if body.len() == 1 {
        let span = Span { end_line: span.line, end_column: span.column + PASS_LENGTH, ..*span };
        body[0] = Stmt { span, kind: StmtKind::Pass {} };
        return;
    }
    body.remove(0);
    // A string that comes first now is no documentation: it becomes an f-string, which never is.
    if let Some(Stmt { kind: StmtKind::Expr { value }, .. }) = body.first_mut()
        && matches!(value.kind, ExprKind::Constant { value: Constant::Str(_), .. })
    {
        let constant = Expr { span: value.span, kind: value.kind.clone() };
        value.kind = ExprKind::JoinedStr { values: vec![constant] };
    }
}

/// How long `pass` is.
const PASS_LENGTH: u32 = 4;

/// Whether annotations are kept as they are written.
fn has_plain_annotations(tree: &Mod) -> bool {
    let Mod::Module { body, .. } = tree else { return false };
    body.iter().any(|statement| match &statement.kind {
        StmtKind::ImportFrom { module: Some(module), names, .. } => {
            *module == "__future__" && names.iter().any(|alias| alias.name == "annotations")
        }
        _ => false,
    })
}

/// The f-string that does what `%` does.
fn formatted(pieces: &[Piece], values: &[Expr], format: &Expr) -> ExprKind {
    let mut values = values.iter();
    let constant = |text: Text| Expr {
        span: format.span,
        kind: ExprKind::Constant { value: Constant::Str(text), kind: None },
    };
    let parts = pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(constant(text.clone())),
        Piece::Value { conversion, specification } => {
            let value = values.next()?.clone();
            let format_spec = specification.as_ref().map(|specification| {
                Box::new(Expr {
                    span: value.span,
                    kind: ExprKind::JoinedStr { values: vec![constant(Text::from(specification.as_str()))] },
                })
            });
            let span = value.span;
            let conversion = *conversion as i32;
            Some(Expr { span, kind: ExprKind::FormattedValue { value: Box::new(value), conversion, format_spec } })
        }
    });
    ExprKind::JoinedStr { values: parts.collect() }
}

/// `-1` and `1 + 2j` as constants.
fn fold_number(expression: &mut Expr) {
    let value = match &mut expression.kind {
        ExprKind::UnaryOp { op: ast::UnaryOp::USub, operand } => number(operand).map(Number::negated),
        ExprKind::BinOp { left, op, right } => {
            fold_number(left);
            match (number(left), number(right)) {
                (Some(left), Some(right)) => left.combined(*op, &right),
                _ => None,
            }
        }
        _ => None,
    };
    if let Some(Number(value)) = value {
        expression.kind = ExprKind::Constant { value, kind: None };
    }
}

struct Number(Constant);

fn number(expression: &Expr) -> Option<Number> {
    match &expression.kind {
        ExprKind::Constant { value, .. } => match value {
            Constant::Int(_) | Constant::BigInt(_) | Constant::Float(_) | Constant::Complex { .. } => {
                Some(Number(value.clone()))
            }
            _ => None,
        },
        _ => None,
    }
}

impl Number {
    fn negated(self) -> Self {
        Number(match self.0 {
            Constant::Int(value) => Constant::from(-num_bigint::BigInt::from(value)),
            Constant::BigInt(value) => Constant::from(-(*value).clone()),
            Constant::Float(value) => Constant::Float(-value),
            Constant::Complex { real, imag } => Constant::Complex { real: -real, imag: -imag },
            other => other,
        })
    }

    fn as_real(&self) -> Option<f64> {
        match &self.0 {
            Constant::Int(value) => Some(*value as f64),
            Constant::BigInt(value) => Some(rspy_runtime::types::int::big_to_f64(value)),
            Constant::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// A real number plus or minus an imaginary one.
    fn combined(&self, op: ast::Operator, other: &Self) -> Option<Self> {
        let left = self.as_real()?;
        let Constant::Complex { real, imag } = other.0 else { return None };
        Some(Number(match op {
            ast::Operator::Add => Constant::Complex { real: left + real, imag },
            ast::Operator::Sub => Constant::Complex { real: left - real, imag: -imag },
            _ => return None,
        }))
    }
}

/// Visits a tree from the leaves upwards.
trait Walk {
    fn walk(&mut self, optimizer: &mut Optimizer);
}

impl<T: Walk> Walk for Box<T> {
    fn walk(&mut self, optimizer: &mut Optimizer) {
        (**self).walk(optimizer);
    }
}

impl<T: Walk> Walk for Option<T> {
    fn walk(&mut self, optimizer: &mut Optimizer) {
        if let Some(inner) = self {
            inner.walk(optimizer);
        }
    }
}

impl<T: Walk> Walk for Vec<T> {
    fn walk(&mut self, optimizer: &mut Optimizer) {
        for item in self {
            item.walk(optimizer);
        }
    }
}

macro_rules! leaves {
    ($($typ:ty),*) => { $( impl Walk for $typ { fn walk(&mut self, _: &mut Optimizer) {} } )* };
}
leaves!(Name, Text, i32, Constant);

/// Whether a field is an annotation.
fn is_annotation(field: &str) -> bool {
    matches!(field, "annotation" | "returns")
}

/// What is done with a node once its children are done.
trait Finish {
    fn finish(&mut self, _: &mut Optimizer) {}
}

macro_rules! finishes {
    ($($typ:ty => $method:ident),*; $($plain:ty),*) => {
        $( impl Finish for $typ {
            fn finish(&mut self, optimizer: &mut Optimizer) { optimizer.$method(self); }
        } )*
        $( impl Finish for $plain {} )*
    };
}
finishes!(Expr => expression, Stmt => statement, Pattern => pattern; ast::ExceptHandler, ast::TypeParam);

macro_rules! walk_nodes {
    (
        enumerations { $( $enumeration_asdl:ident $enumeration:ident { $( $member:ident ),* } )* }
        sums { $(
            $sum_asdl:ident $sum:ident {
                $( $constructor:ident { $( $field:ident : $type:tt ),* } )*
            }
        )* }
        located_sums { $(
            $located_asdl:ident $located:ident $kind:ident {
                $( $located_constructor:ident { $( $located_field:ident : $located_type:tt ),* } )*
            }
            attributes { $( $located_attribute:ident : $located_attribute_type:tt ),* }
        )* }
        products { $(
            $product_asdl:ident $product:ident { $( $product_field:ident : $product_type:tt ),* }
        )* }
        located_products { $(
            $place_asdl:ident $place:ident { $( $place_field:ident : $place_type:tt ),* }
            attributes { $( $place_attribute:ident : $place_attribute_type:tt ),* }
        )* }
    ) => {
        leaves!($( ast::$enumeration ),*);
        $( impl Walk for ast::$sum {
            fn walk(&mut self, optimizer: &mut Optimizer) {
                match self { $( ast::$sum::$constructor { $( $field ),* } => { $( $field.walk(optimizer); )* } )* }
            }
        } )*
        $( impl Walk for ast::$located {
            fn walk(&mut self, optimizer: &mut Optimizer) {
                match &mut self.kind {
                    $( ast::$kind::$located_constructor { $( $located_field ),* } => {
                        $( if !(optimizer.skips_annotations && is_annotation(stringify!($located_field))) {
                            $located_field.walk(optimizer);
                        } )*
                    } )*
                }
                self.finish(optimizer);
            }
        } )*
        $( impl Walk for ast::$product {
            fn walk(&mut self, optimizer: &mut Optimizer) { $( self.$product_field.walk(optimizer); )* }
        } )*
        $( impl Walk for ast::$place {
            fn walk(&mut self, optimizer: &mut Optimizer) {
                $( if !(optimizer.skips_annotations && is_annotation(stringify!($place_field))) {
                    self.$place_field.walk(optimizer);
                } )*
            }
        } )*
    };
}
rspy_syntax::for_each_node!(walk_nodes);
