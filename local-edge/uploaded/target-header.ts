/** @module Tells the first Worker to whom a request goes; it takes the header off. */
export const TARGET_HEADER = 'x-uploaded-target';
