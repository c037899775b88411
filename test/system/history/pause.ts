// Lets time pass: what a plan's seed says, never a wait for something to happen.

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
