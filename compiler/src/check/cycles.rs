//! Quantities that need themselves. Last year's value is not a need.

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use polc_dsl::diagnostic::Diagnostic;

use crate::diagnostics as say;
use crate::typed::{ExprKind, Presence, Program, QuantityId};

/// An aggregate sums up what depends on no aggregate, be it through earlier years.
fn nested_aggregates(program: &Program) -> Vec<Diagnostic> {
    let mut result = Vec::new();
    for aggregate in &program.aggregates {
        let mut seen = std::collections::BTreeSet::new();
        let mut pending = vec![aggregate.of];
        while let Some(id) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            if let Some(other) = program.aggregate(id) {
                let names = (&program.quantity(aggregate.quantity).name, &program.quantity(other.quantity).name);
                result.push(say::nested_aggregate(aggregate.span, names.0, other.span, names.1));
                break;
            }
            let quantity = program.quantity(id);
            pending.extend(program.needs(id));
            for expr in quantity.expressions().chain(program.scopes_of(quantity)) {
                expr.walk(&mut |e| match e.kind {
                    ExprKind::PastQuantity { quantity, .. }
                    | ExprKind::IsSet(Presence::PastQuantity(_, quantity))
                    | ExprKind::Met(quantity) => pending.push(quantity),
                    _ => {}
                });
            }
        }
    }
    result
}

/// One diagnostic for each circle.
#[must_use]
pub fn cycles(program: &Program) -> Vec<Diagnostic> {
    let mut graph: DiGraph<QuantityId, ()> = DiGraph::new();
    let nodes: Vec<NodeIndex> = program.quantity_ids().map(|id| graph.add_node(id)).collect();
    // What a quantity needs only because the scope of its part reads it.
    let mut by_scope: Vec<(QuantityId, QuantityId)> = Vec::new();
    for id in program.quantity_ids() {
        let own = program.quantity(id).reads();
        let mut scoped = Vec::new();
        program.scopes_of(program.quantity(id)).for_each(|scope| scope.quantities(&mut scoped));
        by_scope.extend(scoped.into_iter().filter(|need| !own.contains(need)).map(|need| (id, need)));
        let needs = program.needs(id).into_iter().chain(program.aggregate(id).map(|aggregate| aggregate.of));
        for need in needs {
            graph.update_edge(nodes[id.index()], nodes[need.index()], ());
        }
    }
    let mut result = Vec::new();
    for mut component in tarjan_scc(&graph) {
        let alone = component.len() == 1;
        if alone && !graph.contains_edge(component[0], component[0]) {
            continue;
        }
        component.sort();
        let start = component[0];
        let path = shortest_circle(&graph, start, &component);
        let named: Vec<_> = path
            .iter()
            .map(|node| {
                let quantity = program.quantity(graph[*node]);
                (&*quantity.name, quantity.span)
            })
            .collect();
        let step = |rank: usize| (graph[path[rank]], graph[path[(rank + 1) % path.len()]]);
        let through_scope = (0..path.len()).any(|rank| by_scope.contains(&step(rank)));
        result.push(say::cycle(&named, through_scope));
    }
    if result.is_empty() {
        result.extend(nested_aggregates(program));
    }
    result
}

/// A shortest way from a node back to itself within its component.
fn shortest_circle(graph: &DiGraph<QuantityId, ()>, start: NodeIndex, component: &[NodeIndex]) -> Vec<NodeIndex> {
    let mut parents: Vec<Option<NodeIndex>> = vec![None; graph.node_count()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        let mut next: Vec<NodeIndex> = graph.neighbors(node).filter(|n| component.contains(n)).collect();
        next.sort();
        for neighbour in next {
            if neighbour == start {
                let mut path = vec![node];
                let mut current = node;
                while let Some(parent) = parents[current.index()] {
                    path.push(parent);
                    current = parent;
                }
                path.reverse();
                return path;
            }
            if parents[neighbour.index()].is_none() {
                parents[neighbour.index()] = Some(node);
                queue.push_back(neighbour);
            }
        }
    }
    vec![start]
}
