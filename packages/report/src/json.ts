/**
 * A diagnosis as JSON for programs. Its JSON Schema is docs/diagnosis.schema.json: fields may be added under
 * the same `schema` name, none is removed or changes its meaning.
 */
import type { Diagnosis, Evidence, Finding, Holder, Link } from "@plumbline/diagnosis/finding";
import { jsonText } from "./json-text.ts";
import { verdictOf } from "./verdict.ts";

const DIAGNOSIS_SCHEMA = "plumbline.diagnosis/1";

export function renderJson(diagnosis: Diagnosis): string {
	const { target, service, window, examined, gaps, links, findings } = diagnosis;
	const out = {
		schema: DIAGNOSIS_SCHEMA,
		verdict: verdictOf(diagnosis),
		target: {
			pid: target.pid,
			pprof: target.pprof,
			metrics: target.metrics,
			db: target.db,
			files: target.files,
		},
		service: { command: service.command, goVersion: service.goVersion, modules: service.modules },
		window: { startWallMs: window.startWallMs, durationMs: window.durationMs, known: window.known },
		examined: examined.map(({ line, state, what }) => ({ line, state, what })),
		gaps: gaps.map(({ line, what, why, at, weight }) => ({ line, what, why, at, weight })),
		links: links.map(linkFields),
		findings: findings.map(findingFields),
	};
	return jsonText(out);
}

/** Named one by one, so that a field of ours does not become a promise by accident. */
function findingFields(f: Finding): object {
	return {
		id: f.id,
		severity: f.severity,
		level: f.level,
		confidence: f.confidence,
		count: f.count,
		title: f.title,
		story: f.story,
		holder: f.holder === undefined ? undefined : holderFields(f.holder),
		candidates: f.candidates.map(holderFields),
		holderGap: f.holderGap,
		evidence: f.evidence.map(evidenceFields),
		joins: f.joins.map(linkFields),
		otherwise: f.otherwise,
		fix: f.fix,
		stop: f.stop,
		verify: f.verify,
		causes: f.causes,
	};
}

function linkFields({ between, confidence, reason }: Link): object {
	return { between, confidence, reason };
}

function holderFields({ func, file, line, how, confidence }: Holder): object {
	return { func, file, line, how, confidence };
}

function evidenceFields({ line, says, quote, part, offset, atMs }: Evidence): object {
	return { line, says, quote, part, offset, atMs };
}
