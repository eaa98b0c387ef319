/**
 * `plumbline completion bash|zsh|fish`: a script for the shell, which asks `plumbline __complete` (see
 * main.ts) what could come next. So completion follows the commands by itself.
 */
import { buildCommand } from "@stricli/core";
import type { CliContext } from "../context.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, string>> = {
	bash: `_plumbline() {
	local IFS=$'\\n'
	COMPREPLY=($(plumbline __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
	[ \${#COMPREPLY[@]} -gt 0 ] || compopt -o default
}
complete -F _plumbline plumbline
`,
	zsh: `#compdef plumbline
_plumbline() {
	local -a choices
	local line
	while IFS=$'\\t' read -r word brief; do
		choices+=("\${word//:/\\\\:}:$brief")
	done < <(plumbline __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
	if (( \${#choices} )); then _describe plumbline choices; else _files; fi
}
compdef _plumbline plumbline
`,
	fish: `function __plumbline_complete
	set -l words (commandline -opc) (commandline -ct)
	plumbline __complete $words[2..-1] 2>/dev/null
end
complete -c plumbline -a "(__plumbline_complete)"
`,
};

function parseShell(text: string): Shell {
	const shell = SHELLS.find((known) => known === text);
	if (shell === undefined)
		throw new RangeError(`completion wants one of ${SHELLS.join(", ")}, not "${text}"`);
	return shell;
}

export const completionCommand = buildCommand<Record<never, never>, [Shell], CliContext>({
	docs: {
		brief: "Print the completion script of a shell",
		customUsage: [
			{ input: "bash > ~/.local/share/bash-completion/completions/plumbline", brief: "For bash" },
			{ input: "zsh > ~/.zsh/completions/_plumbline", brief: "For zsh, with that folder in fpath" },
			{ input: "fish > ~/.config/fish/completions/plumbline.fish", brief: "For fish" },
		],
	},
	parameters: {
		positional: {
			kind: "tuple",
			parameters: [
				{
					brief: "bash, zsh or fish",
					parse: parseShell,
					placeholder: "shell",
					proposeCompletions: () => SHELLS,
				},
			],
		},
	},
	func(_flags, shell) {
		this.process.stdout.write(SCRIPTS[shell]);
	},
});
