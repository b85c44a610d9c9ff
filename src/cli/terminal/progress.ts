/** A spinner on stderr while something long runs, and only where a person sees it: scripts and logs get nothing. */
import type { Terminal } from './terminal.js';

/** Runs the work; `say` changes what stands beside the spinner. The line is gone when the work is done, whichever way. */
export const withProgress = async <A>(
  terminal: Terminal,
  text: string,
  work: (say: (text: string) => void) => Promise<A>,
): Promise<A> => {
  if (!terminal.noticed) return work(() => {});
  const { default: ora } = await import('ora');
  const spinner = ora({ text, stream: terminal.stderr, discardStdin: false }).start();
  try {
    return await work(said => {
      spinner.text = said;
    });
  } finally {
    spinner.stop();
  }
};
