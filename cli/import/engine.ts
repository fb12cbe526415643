/** Loads the modules that need the engine's SDK when they are called: loading them takes most of a second. */
export const loadEngine = async () => {
  const [{ writeAdoption }, { declaredBy }] = await Promise.all([
    import("../../stacks/adoption.ts"),
    import("../../stacks/declared.ts"),
  ]);
  return { writeAdoption, declaredBy };
};
