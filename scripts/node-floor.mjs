/**
 * Loaded before every script of the house (`node --import`): says in one line what is wrong when an old
 * Node runs them, instead of a syntax error. Plain JavaScript, because the Node it warns of reads no other.
 */
const NODE_MAJOR_MIN = 24;

const found = process.versions.node;
if (Number.parseInt(found, 10) < NODE_MAJOR_MIN) {
	process.stderr.write(
		`plumbline needs Node ${NODE_MAJOR_MIN} or later, this is Node ${found} (${process.execPath}): run \`npm ci\` first, it brings the right one, and start this with \`npm test\` or \`npm run check\`.\n`,
	);
	process.exit(3);
}
