/** mljs/xgboost has no types of its own: XGBoost's training, compiled to WebAssembly. */
declare module 'ml-xgboost' {
  interface Booster {
    train(rows: readonly (readonly number[])[], labels: readonly number[]): void;
    predict(rows: readonly (readonly number[])[]): number[];
    free(): void;
  }
  const loaded: PromiseLike<new (options: Readonly<Record<string, unknown>>) => Booster>;
  export default loaded;
}
